package demo

import (
	"encoding/csv"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"regulars/internal/measure/retention"
	"regulars/internal/testkit"
)

// figures are what the demo store and the real one are compared by, over as
// many days as the real file has.
type figures struct {
	Customers, Orders          int64
	Repeat, Frequency          float64
	MedianGap, ShortGaps       float64 // days; share of gaps up to a week
	TopFifth, TopHundredth     float64 // shares of revenue
	Gini                       float64
	MeanToMedian, NinetyToHalf float64 // of the value of an order
	PeakMonth                  float64 // orders of the busiest month to the mean month
	BackNextMonth              float64 // of who bought in the first month, who bought in the next
	Lines                      float64 // mean lines of an order
}

// window is how many days the real file has: 1 December 2010 to 9 December
// 2011.
const window = 374

func figuresOf(t *testing.T, in retention.Orders, lines int) figures {
	t.Helper()
	h, _, err := retention.Build(in, retention.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	r, gaps, spent := retention.RepeatOf(h, h.Whole()), retention.GapsOf(h, h.Whole()), retention.ConcentrationOf(h, h.Whole())
	f := figures{Customers: r.Customers, Orders: r.Orders, Lines: float64(lines) / float64(r.Orders)}
	f.Repeat, _ = r.Rate()
	f.Frequency, _ = r.Frequency()
	f.MedianGap, _ = gaps.MedianDays()
	var short int64
	for i, d := range gaps.Days.Value {
		if d <= 7 {
			short += gaps.Days.Count[i]
		}
	}
	f.ShortGaps = float64(short) / float64(gaps.Days.N())
	f.TopFifth, _ = spent.TopShare(0.2)
	f.TopHundredth, _ = spent.TopShare(0.01)
	f.Gini, _ = spent.Gini()
	value := retention.TallyOf(h.AmountMinor)
	mean, _ := value.Mean()
	median, _ := value.Median()
	var seen int64
	for i, v := range value.Value {
		if seen += value.Count[i]; seen*10 >= value.N()*9 {
			f.NinetyToHalf = float64(v) / median
			break
		}
	}
	f.MeanToMedian = mean / median
	months := map[int32]float64{}
	first, next := map[int]bool{}, 0
	for i := range h.ID {
		for _, d := range h.Days(i) {
			months[(d-h.FirstDay)/30]++
			switch (d - h.FirstDay) / 30 {
			case 0:
				first[i] = true
			case 1:
				if first[i] {
					next++
					first[i] = false
				}
			}
		}
	}
	f.BackNextMonth = float64(next) / float64(len(first))
	peak := 0.0
	for m := int32(0); m < 12; m++ {
		peak = max(peak, months[m])
	}
	f.PeakMonth = peak / (float64(r.Orders) / (window / 30.0))
	return f
}

// realStore reads the invoices of the Online Retail file that count as
// purchases.
func realStore(t *testing.T) figures {
	t.Helper()
	f, err := os.Open(testkit.Data(t, "online_retail.csv.zst"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	rows := csv.NewReader(z)
	rows.ReuseRecord = true
	var in retention.Orders
	at, lines := map[string]int{}, 0
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return figuresOf(t, in, lines)
		}
		if err != nil {
			t.Fatal(err)
		}
		if row[6] == "" || row[0] == "InvoiceNo" || strings.HasPrefix(row[0], "C") {
			continue
		}
		quantity, _ := strconv.ParseInt(row[3], 10, 64)
		price, _ := strconv.ParseFloat(row[5], 64)
		if quantity <= 0 || price <= 0 {
			continue
		}
		lines++
		amount := int64(float64(quantity)*price*100 + 0.5)
		if k, ok := at[row[0]]; ok {
			in.AmountMinor[k] += amount
			continue
		}
		customer, _ := strconv.ParseInt(row[6], 10, 64)
		day, err := time.Parse(time.DateOnly, row[4][:10])
		if err != nil {
			t.Fatal(err)
		}
		at[strings.Clone(row[0])] = len(in.Day)
		in.Add(customer, int32(day.Unix()/86400), max(amount, 1))
	}
}

func TestReal(t *testing.T) { t.Logf("%+v", realStore(t)) }
