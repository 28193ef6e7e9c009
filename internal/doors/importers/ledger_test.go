package importers

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"regulars/internal/measure/retention"
	"regulars/internal/testkit"
)

func source(t testing.TB, path string) Source {
	t.Helper()
	s, err := FileSource(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ledgerOf(t testing.TB, sources ...Source) *Ledger {
	t.Helper()
	return splitLedger(t, retention.Together, sources...)
}

func splitLedger(t testing.TB, by retention.Split, sources ...Source) *Ledger {
	t.Helper()
	l, err := ReadLedger(t.Context(), sources, LedgerOptions{Now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), Split: by})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func written(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLedgerOfOnlineRetailHoldsThePublishedPurchases(t *testing.T) {
	l := ledgerOf(t, source(t, testkit.Data(t, "online_retail.csv.zst")))
	h, left, err := retention.Build(l.Purchases, retention.Rules{FreeOrders: true})
	if err != nil || left.Total() != 0 {
		t.Fatal(left, err)
	}
	repeat := retention.RepeatOf(h, h.Whole())
	if repeat.Customers != 4338 || repeat.Again != 2845 || l.Counts.Customers != 4372 || l.Counts.Returns < 3654 || l.Counts.Rows != 541909 {
		t.Errorf("%d buyers, %d again, %+v", repeat.Customers, repeat.Again, l.Counts)
	}
	if l.Currency != "GBP" || l.Zone.String() != "Europe/London" || l.LastDay != retention.Day(2011, 12, 9) {
		t.Errorf("%s, %s, last day %d", l.Currency, l.Zone, l.LastDay)
	}
}

// slowly reads a file row by row with the code of the import alone.
func slowly(t testing.TB, by retention.Split, s Source) *Ledger {
	t.Helper()
	lame = true
	defer func() { lame = false }()
	return splitLedger(t, by, s)
}

// groupsOf are the names of the customers' groups.
func groupsOf(l *Ledger) []string {
	var names []string
	for _, g := range l.group {
		names = append(names, l.Groups[g])
	}
	return names
}

func TestRowsReadQuicklySayTheSameAsThoseTheImportReads(t *testing.T) {
	cells := map[string][]string{
		"order":     {"1", "2", "2", "A-7", "", "'9", "0012", "1 000"},
		"date":      {"2024-05-01", "2024-05-02 10:30", "2024-05-02T23:59:59", "3.6.2024", "2024-05-01T23:30:00-05:00", "2024-02-30", "", "1 May 2024", "2024-13-01"},
		"customer":  {"17", "17.0", "c_1", "7.21E+12", "", "x y", "Zoë", "'5"},
		"email":     {"", "", "ana@example.com", "Ana@Example.com", "nobody", "b@x.org"},
		"sku":       {"a", "b", ""},
		"quantity":  {"1", "-1", "2.5", "0", "", "1e2", "0.3335", "many", "1,000"},
		"price":     {"10", "2.555", "-3", "", "$4", "1.240,50", "0", ".5", "5.", "99999999999999", "1,240"},
		"discount":  {"", "0", "1.5", "-2"},
		"shipping":  {"", "4.99"},
		"status":    {"", "paid", "Cancelled", "refunded", "storno"},
		"currency":  {"EUR", "eur", "USD", "", "zzz"},
		"promised":  {"", "2024-06-01", "soon"},
		"delivered": {"", "2024-06-02 10:00"},
		"channel":   {"online", "till ", "", "'=1", "'quoted", "Zoë's"},
		"country":   {"FR", "Germany", "", "'-", "Atlantis", "uk"},
		"product":   {"Tea", "Mug  large", "", "'+1"},
		"category":  {"Drinks", "", " Cups", "'=x"},
	}
	rng := rand.New(rand.NewPCG(3, 5))
	header := []string{"order", "date", "customer", "email", "sku", "quantity", "price", "discount", "shipping", "status", "currency", "promised", "delivered", "channel", "country", "product", "category"}
	for try := range 60 {
		columns := slices.DeleteFunc(slices.Clone(header), func(c string) bool {
			return !slices.Contains([]string{"date", "customer", "price"}, c) && rng.IntN(3) == 0
		})
		var b strings.Builder
		fmt.Fprintln(&b, strings.Join(columns, ";"))
		for range 400 {
			row := make([]string, len(columns))
			for i, c := range columns {
				own := cells[c]
				if row[i] = own[rng.IntN(len(own))]; rng.IntN(4) > 0 {
					row[i] = own[rng.IntN(min(3, len(own)))]
				}
			}
			fmt.Fprintln(&b, strings.Join(row, ";"))
		}
		s := source(t, written(t, "odd.csv", b.String()))
		s.Settings.Currency = "EUR"
		by := retention.Splits[try%len(retention.Splits)]
		quick, slow := splitLedger(t, by, s), slowly(t, by, s)
		if !reflect.DeepEqual(quick.Purchases, slow.Purchases) || quick.Counts != slow.Counts || !reflect.DeepEqual(quick.Bad, slow.Bad) || !slices.Equal(groupsOf(quick), groupsOf(slow)) {
			t.Fatalf("try %d, columns %v, by %q:\n%+v\n%+v\n%q\n%q", try, columns, by, quick.Counts, slow.Counts, groupsOf(quick), groupsOf(slow))
		}
	}
}

func TestOrdersWhoseRowsAreScatteredArePutTogetherWhereTheyBegin(t *testing.T) {
	text := "order,date,customer,price\n2,2024-01-02,a,10\n1,2024-01-01,b,5\n2,2024-01-02,a,7\n3,2024-01-03,a,1\n"
	l := ledgerOf(t, source(t, written(t, "o.csv", text)))
	if !slices.Equal(l.Purchases.AmountMinor, []int64{1700, 500, 100}) {
		t.Errorf("amounts %v", l.Purchases.AmountMinor)
	}
	// Every row an order of its own, where they have no numbers.
	l = ledgerOf(t, source(t, written(t, "o.csv", "date,customer,total\n2024-01-02,a,10\n2024-01-02,a,10\n")))
	if len(l.Purchases.Day) != 2 {
		t.Errorf("%d orders without a number", len(l.Purchases.Day))
	}
}

func TestAnOrderThatTwoFilesTellOfCountsOnce(t *testing.T) {
	january := source(t, written(t, "january.csv", "order,date,email,total\n1,2024-01-02,a@x.org,10\n2,2024-01-20,b@x.org,20\n"))
	february := source(t, written(t, "february.csv", "order,date,email,total\n2,2024-01-20,b@x.org,20\n3,2024-02-02,A@x.org,5\n"))
	l := ledgerOf(t, january, february)
	if l.Counts.Again != 1 || len(l.Purchases.Day) != 3 || l.Counts.Customers != 2 {
		t.Errorf("%+v, %d purchases", l.Counts, len(l.Purchases.Day))
	}
	if l.Purchases.Customer[0] != l.Purchases.Customer[2] || l.Label(l.Purchases.Customer[0]) != "a@x.org" {
		t.Errorf("customers %v, the first called %q", l.Purchases.Customer, l.Label(l.Purchases.Customer[0]))
	}
}

func TestALedgerIsTheSameHoweverItsRowsAreSharedOut(t *testing.T) {
	cores := runtime.GOMAXPROCS(0)
	rng := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("order,date,customer,sku,quantity,price,channel,country,product,category,note\n")
	for i := range 60_000 {
		fmt.Fprintf(&b, "%d,2024-%02d-%02d,%d,s%d,%d,%d.%02d,%s,%s,%s,%s,%s\n", 100_000+i/3, 1+rng.IntN(12), 1+rng.IntN(28), rng.IntN(5000), i%40, 1+rng.IntN(3), rng.IntN(50), rng.IntN(100),
			[]string{"online", "till", ""}[rng.IntN(3)], []string{"France", "DE", ""}[rng.IntN(3)], []string{"", fmt.Sprint("Thing ", i%40), fmt.Sprint("Later ", i%40)}[rng.IntN(3)], []string{"", fmt.Sprint("Shelf ", i%7)}[rng.IntN(2)], strings.Repeat("x", rng.IntN(160)))
	}
	s := source(t, written(t, "many.csv", b.String()))
	one, other := ledgerOf(t, s), ledgerOf(t, s)
	if !reflect.DeepEqual(one.Purchases, other.Purchases) || len(one.Purchases.Day) < 19_000 {
		t.Errorf("%d and %d purchases", len(one.Purchases.Day), len(other.Purchases.Day))
	}
	for _, by := range retention.Splits {
		// One chunk after the other, on one core, there is one way to read it.
		quick, slow := splitLedger(t, by, s), slowly(t, by, s)
		runtime.GOMAXPROCS(1)
		alone := splitLedger(t, by, s)
		runtime.GOMAXPROCS(cores)
		if !reflect.DeepEqual(one.Purchases, slow.Purchases) || !slices.Equal(groupsOf(quick), groupsOf(slow)) || !slices.Equal(groupsOf(quick), groupsOf(alone)) {
			t.Errorf("by %q it is another one when it is read slowly, or on one core", by)
		}
		if by != retention.Together && len(quick.Groups) < 3 {
			t.Errorf("by %s there are the groups %q", by, quick.Groups)
		}
	}
}
