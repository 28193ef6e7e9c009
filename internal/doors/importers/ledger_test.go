package importers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/sheet"
	"regulars/internal/testkit"
)

func source(t testing.TB, path string) Source {
	t.Helper()
	open := func(ctx context.Context) (*sheet.Reader, error) { return sheet.Open(ctx, path, sheet.Options{}) }
	in, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	s, err := ProposeFor(in)
	if err != nil {
		t.Fatal(err)
	}
	return Source{Name: filepath.Base(path), Settings: s, Open: open}
}

func ledgerOf(t testing.TB, sources ...Source) *Ledger {
	t.Helper()
	l, err := ReadLedger(t.Context(), sources, "", "", time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
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
func slowly(t testing.TB, s Source) *Ledger {
	t.Helper()
	lame = true
	defer func() { lame = false }()
	return ledgerOf(t, s)
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
	}
	rng := rand.New(rand.NewPCG(3, 5))
	header := []string{"order", "date", "customer", "email", "sku", "quantity", "price", "discount", "shipping", "status", "currency", "promised", "delivered"}
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
		quick, slow := ledgerOf(t, s), slowly(t, s)
		if !reflect.DeepEqual(quick.Purchases, slow.Purchases) || quick.Counts != slow.Counts || !reflect.DeepEqual(quick.Bad, slow.Bad) {
			t.Fatalf("try %d, columns %v:\n%+v\n%+v", try, columns, quick.Counts, slow.Counts)
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
	rng := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("order,date,customer,sku,quantity,price,note\n")
	for i := range 60_000 {
		fmt.Fprintf(&b, "%d,2024-%02d-%02d,%d,s,%d,%d.%02d,%s\n", 100_000+i/3, 1+rng.IntN(12), 1+rng.IntN(28), rng.IntN(5000), 1+rng.IntN(3), rng.IntN(50), rng.IntN(100), strings.Repeat("x", rng.IntN(80)))
	}
	s := source(t, written(t, "many.csv", b.String()))
	one, other := ledgerOf(t, s), ledgerOf(t, s)
	if !reflect.DeepEqual(one.Purchases, other.Purchases) || len(one.Purchases.Day) < 19_000 {
		t.Errorf("%d and %d purchases", len(one.Purchases.Day), len(other.Purchases.Day))
	}
	if slow := slowly(t, s); !reflect.DeepEqual(one.Purchases, slow.Purchases) {
		t.Error("read slowly it is another one")
	}
}
