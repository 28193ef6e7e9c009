package retention

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// data opens a file of the folder with the public data sets.
func data(t testing.TB, name string) *os.File {
	t.Helper()
	folder := os.Getenv("REGULARS_DATA")
	if folder == "" {
		folder = "../../../../shared/data"
	}
	f, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		t.Fatalf("%v: set REGULARS_DATA to the folder with the public data sets", err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// onlineRetail reads the invoices of the UCI Online Retail file: lines with a
// customer, a quantity and a price above zero, and no cancelled invoice.
func onlineRetail(t testing.TB) *History {
	t.Helper()
	in, err := retailOnce(data(t, "online_retail.csv.zst"))
	if err != nil {
		t.Fatal(err)
	}
	return build(t, in)
}

var retail struct {
	sync.Mutex
	orders Orders
}

func retailOnce(f io.Reader) (Orders, error) {
	retail.Lock()
	defer retail.Unlock()
	if len(retail.orders.Day) > 0 {
		return retail.orders, nil
	}
	z, err := zstd.NewReader(f)
	if err != nil {
		return Orders{}, err
	}
	defer z.Close()
	rows := csv.NewReader(z)
	rows.ReuseRecord = true
	var in Orders
	at := map[string]int{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			retail.orders = in
			return in, nil
		}
		if err != nil {
			return Orders{}, err
		}
		if row[6] == "" || row[0] == "InvoiceNo" || strings.HasPrefix(row[0], "C") {
			continue
		}
		quantity, _ := strconv.ParseInt(row[3], 10, 64)
		price, _ := strconv.ParseFloat(row[5], 64)
		if quantity <= 0 || price <= 0 {
			continue
		}
		amount := int64(float64(quantity)*price*100 + 0.5)
		if k, ok := at[row[0]]; ok {
			in.AmountMinor[k] += amount
			continue
		}
		customer, _ := strconv.ParseInt(row[6], 10, 64)
		var y, m, d int
		if _, err := fmt.Sscanf(row[4][:10], "%d-%d-%d", &y, &m, &d); err != nil {
			return Orders{}, err
		}
		at[strings.Clone(row[0])] = len(in.Day)
		in.Add(customer, Day(y, m, d), max(amount, 1))
	}
}

// cdnow reads the purchases of CDNOW's cohort of 1997, free ones too.
func cdnow(t testing.TB) *History {
	t.Helper()
	lines := bufio.NewScanner(data(t, "cdnow_master.txt"))
	var in Orders
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		customer, err := strconv.ParseInt(f[0], 10, 64)
		if err != nil {
			continue // the heading
		}
		date, _ := strconv.Atoi(f[1])
		dollars, _ := strconv.ParseFloat(f[3], 64)
		in.Add(customer, Day(date/10000, date/100%100, date%100), int64(dollars*100+0.5))
	}
	h, left, err := Build(in, Rules{FreeOrders: true})
	if err != nil || left.Total() != 0 {
		t.Fatal(left, err)
	}
	return h
}

func build(t testing.TB, in Orders) *History {
	t.Helper()
	h, left, err := Build(in, Rules{})
	if err != nil || left.Total() != 0 {
		t.Fatal(left, err)
	}
	return h
}
