package report

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/errs"
	"regulars/internal/testkit/page"
)

// eightChannels is a file of customers who began on eight channels, the n-th of
// which has 2n of them; every second one came again in the month after, on the
// first channel.
func eightChannels(t testing.TB) Options {
	var b strings.Builder
	b.WriteString("order,date,customer,channel,product,total\n")
	order := 0
	add := func(day, customer, channel string, total int) {
		order++
		fmt.Fprintf(&b, "%d,%s,%s,%s,thing,%d\n", order, day, customer, channel, total)
	}
	for n := 1; n <= 8; n++ {
		channel := fmt.Sprint("channel ", n)
		if n == 7 {
			channel = ""
		}
		for i := range 2 * n {
			customer := fmt.Sprintf("c%d-%d", n, i)
			add(fmt.Sprintf("2024-03-%02d", 1+i), customer, channel, 10*n)
			if i%2 == 0 {
				add(fmt.Sprintf("2024-04-%02d", 1+i), customer, "channel 1", 5)
			}
		}
	}
	add("2024-05-20", "", "channel 1", 5) // by nobody known: April is over
	o := options(written(t, b.String()))
	o.Split = retention.ByChannel
	return o
}

func TestTheLargestPartsAreSideBySideAndTheRestTogether(t *testing.T) {
	r := made(t, eightChannels(t))
	s := r.Split
	var names []string
	var customers, orders, revenue int64
	for _, p := range s.Parts {
		names = append(names, p.Kind+" "+p.Name)
		customers, orders, revenue = customers+p.Customers, orders+p.Orders, revenue+p.RevenueMinor
		if *p.Repeat != 0.5 || len(p.Cohorts) != 1 || p.Cohorts[0].Size != p.Customers || *p.Cohorts[0].Kept[1] != 0.5 || *p.Average[1] != 0.5 {
			t.Errorf("%s %s: half came again in April: %+v", p.Kind, p.Name, p)
		}
	}
	want := []string{"value channel 8", "without ", "value channel 6", "value channel 5", "value channel 4", "value channel 3", "others "}
	if !slices.Equal(names, want) {
		t.Errorf("the parts are %q", names)
	}
	if customers != r.Customers || orders != r.Orders || revenue != r.RevenueMinor || s.Parts[6].Customers != 2+4 {
		t.Errorf("the parts come to %d customers, %d orders and %d; all to %d, %d and %d", customers, orders, revenue, r.Customers, r.Orders, r.RevenueMinor)
	}
	if s.Without != 14 || *s.Share != 14.0/72 {
		t.Errorf("%d customers without a channel, %v", s.Without, *s.Share)
	}
	words := said(t, r)
	for _, say := range []string{"Customers by the channel of their first order", "Of 14 customers (19.4%) no channel is known.", "All others", "channel 8 · 16 customers"} {
		if !strings.Contains(words, say) {
			t.Errorf("nothing says %q:\n%s", say, words)
		}
	}
	// The page has the same, by the name that a person reads.
	shown := page.Get(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := HTML(w, Write(r, printer(t)), printer(t)); err != nil {
			t.Error(err)
		}
	}), "/")
	shown.In("#split", page.HasText("No channel")).In("#split-cohorts", page.HasText("channel 8 · 16 customers")).Count("#split-cohorts table.heat", 8).Count("#split tbody tr", 7)
}

func TestAPartsRetentionIsThatOfItsCustomersAlone(t *testing.T) {
	file := "order,date,customer,country,total\n"
	n := 0
	for _, of := range []struct{ country, kept, left int }{{0, 3, 1}, {1, 1, 4}} {
		for i := range of.kept + of.left {
			who, land := fmt.Sprintf("c%d-%d", of.country, i), []string{"France", "DE"}[of.country]
			for month := 1; month <= 12; month++ {
				if month > 8 && i >= of.kept {
					break
				}
				n++
				file += fmt.Sprintf("%d,2023-%02d-10,%s,%s,10\n", n, month, who, land)
			}
		}
	}
	o := options(written(t, file))
	o.Split, o.Window = retention.ByCountry, 40
	r := made(t, o)
	got := map[string]string{}
	for _, p := range r.Split.Parts {
		got[p.Name] = fmt.Sprintf("%d of %d, %.2f", p.Retention.Kept, p.Retention.Start, value(p.Retention.Rate))
	}
	// At the beginning of the last quarter all were customers still.
	if got["FR"] != "3 of 4, 0.75" || got["DE"] != "1 of 5, 0.20" || len(got) != 2 || r.Retention.Start != 9 {
		t.Errorf("%v; of all %d", got, r.Retention.Start)
	}
	if words := said(t, r); !strings.Contains(words, "France") || !strings.Contains(words, "Germany") {
		t.Error("countries are not called by their names")
	}
}

func TestWhatFilesDoNotSayCannotBeSplit(t *testing.T) {
	file := "order,date,customer,total\n1,2024-05-01,ann,10\n2,2024-06-01,bob,10\n"
	for _, by := range retention.Splits[1:] {
		o := options(written(t, file))
		o.Split = by
		if words := said(t, made(t, o)); !strings.Contains(words, "--map "+string(by)+"=COLUMN") || strings.Contains(words, "side by side,") {
			t.Errorf("by %s:\n%s", by, words)
		}
	}
	o := options(written(t, file))
	o.Split = "colour"
	if _, err := Make(t.Context(), o); errs.FieldOf(err) != "split" {
		t.Errorf("by colour: %v", err)
	}
	if r := made(t, options(written(t, file))); r.Split != nil || strings.Contains(said(t, r), "side by side") {
		t.Error("customers are split unasked")
	}
}

func TestThePartsAreWrittenAsCSV(t *testing.T) {
	dir := t.TempDir()
	if err := CSV(dir, made(t, eightChannels(t))); err != nil {
		t.Fatal(err)
	}
	for file, lines := range map[string][]string{
		"split.csv": {"channel,kind,customers,share,orders,revenue,repeat_rate,", "channel 8,value,16,0.2222222222222222,24,1320.00,0.5,", ",without,14,", ",others,6,"},
		"split-cohorts.csv": {"channel,kind,cohort,size,period,customers,kept,", "channel 8,value,2024-03,16,0,16,1,1280.00,8000", "channel 8,value,2024-03,16,1,8,0.5,40.00,8250",
			",others,2024-03,6,1,3,0.5,15.00,"},
	} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			if !strings.Contains(string(text), "\n"+line) && !strings.HasPrefix(string(text), line) {
				t.Errorf("%s has no line %q:\n%s", file, line, text)
			}
		}
	}
}
