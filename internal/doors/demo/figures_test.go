package demo

import (
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
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

// demoStore counts the last year of a plan as the real file is counted, in
// euro.
func demoStore(t *testing.T, p *plan) figures {
	t.Helper()
	var in retention.Orders
	lines := 0
	first := p.day(Days - window)
	for _, s := range p.sales {
		if s.who < 0 || s.of != nil || !s.cancelled.IsZero() || s.at.Before(first) {
			continue
		}
		amount := s.sum()
		if s.koruna {
			amount /= 25
		}
		day, err := time.Parse(time.DateOnly, s.at.Format(time.DateOnly))
		if err != nil {
			t.Fatal(err)
		}
		in.Add(int64(s.who+1), int32(day.Unix()/86400), amount)
		lines += len(s.lines)
	}
	return figuresOf(t, in, lines)
}

var update = flag.Bool("update", false, "write the golden files anew")

// compared is one line of the comparison. A figure without a tolerance is
// shown, and known to differ.
type compared struct {
	name       string
	real, demo float64
	form       func(float64) string
	within     float64 // of the real figure
}

func comparison(a, b figures) []compared {
	percent := func(v float64) string { return fmt.Sprintf("%.1f %%", v*100) }
	whole := func(v float64) string { return fmt.Sprintf("%.0f", v) }
	two := func(v float64) string { return fmt.Sprintf("%.2f", v) }
	return []compared{
		{"customers who bought", float64(a.Customers), float64(b.Customers), whole, 0.1},
		{"their orders", float64(a.Orders), float64(b.Orders), whole, 0.1},
		{"bought more than once", a.Repeat, b.Repeat, percent, 0.04},
		{"orders a customer", a.Frequency, b.Frequency, two, 0.1},
		{"median days between purchases", a.MedianGap, b.MedianGap, whole, 0.15},
		{"of these at most a week", a.ShortGaps, b.ShortGaps, percent, 0.15},
		{"of the first month's buyers, back in the next", a.BackNextMonth, b.BackNextMonth, percent, 0.15},
		{"revenue of the best fifth", a.TopFifth, b.TopFifth, percent, 0.08},
		{"revenue of the best hundredth", a.TopHundredth, b.TopHundredth, percent, 0.15},
		{"Gini coefficient of revenue", a.Gini, b.Gini, two, 0.08},
		{"value of an order, mean to median", a.MeanToMedian, b.MeanToMedian, two, 0.2},
		{"value of an order, nine in ten below, to median", a.NinetyToHalf, b.NinetyToHalf, two, 0.2},
		{"busiest month to a mean month", a.PeakMonth, b.PeakMonth, two, 0.08},
		{"lines of an order", a.Lines, b.Lines, two, 0},
	}
}

// documented is the day on which the history of the documentation ends: the
// real file's last day, so that both years have the same season.
func documented(t *testing.T) *plan {
	t.Helper()
	p, err := simulate(time.Date(2025, 12, 9, 0, 0, 0, 0, Settings.Location()), ownSeed, allCustomers)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheDemoStoreResemblesTheRealOne(t *testing.T) {
	for _, c := range comparison(realStore(t), demoStore(t, documented(t))) {
		if off := math.Abs(c.demo/c.real - 1); c.within > 0 && off > c.within {
			t.Errorf("%s: %s in the real store, %s in the demo store: off by %.0f %%, more than %.0f %%",
				c.name, c.form(c.real), c.form(c.demo), off*100, c.within*100)
		}
	}
}

func TestGoldenComparisonIsTheDocumentedOne(t *testing.T) {
	var b strings.Builder
	b.WriteString("| in a year | real store | demo store | may differ by |\n|---|---|---|---|\n")
	for _, c := range comparison(realStore(t), demoStore(t, documented(t))) {
		within := "is different, see below"
		if c.within > 0 {
			within = fmt.Sprintf("%.0f %%", c.within*100)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", c.name, c.form(c.real), c.form(c.demo), within)
	}
	file := filepath.Join(testkit.Root(t), "docs", "demo-store.md")
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- figures -->\n", "<!-- end of figures -->"
	before, rest, ok := strings.Cut(string(page), begin)
	was, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("the page has no place for the figures")
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+b.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if was != b.String() {
		t.Errorf("docs/demo-store.md has other figures than the store; make golden writes them anew:\n%s", b.String())
	}
}
