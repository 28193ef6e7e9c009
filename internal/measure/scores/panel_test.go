package scores_test

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"regulars/internal/measure/scores"
	"regulars/internal/platform/id"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
	"regulars/internal/testkit/page"
)

// customerPage is the least page that shows panels.
var customerPage = fstest.MapFS{"pages/boxes.html": {Data: []byte(
	`{{define "title"}}x{{end}}{{define "content"}}{{range .}}<div id="panel-{{.ID}}">{{.HTML}}</div>{{end}}{{end}}`)}}

// box is the text of the panel of a customer, empty when it is hidden.
func box(t *testing.T, db *store.DB, c id.Customer) string {
	t.Helper()
	catalog, err := locale.Load(scores.Files, web.Text())
	if err != nil {
		t.Fatal(err)
	}
	log := &strings.Builder{}
	s, err := web.New(web.Config{
		Catalog: catalog, Now: db.Now, Log: slog.New(slog.NewTextHandler(log, nil)),
		Files:  map[string]fs.FS{"scores": scores.Files, "test": customerPage},
		Panels: []web.Panel{scores.Panel},
		Routes: []web.Route{{Pattern: "GET /box", Role: web.Viewer, Handler: func(w http.ResponseWriter, r *web.Request) error {
			return r.Render(w, "test/boxes.html", r.Panels(db, c))
		}}},
		Authenticate: func(context.Context, string) (web.Staff, error) {
			return web.Staff{ID: 7, Name: "Ana Owner", Role: web.Viewer}, nil
		},
		Shop: func(context.Context) (web.Shop, error) {
			return web.Shop{Name: "Corner Coffee", Zone: time.UTC, Currency: "EUR"}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(page.Get(t, s, "/box", page.As("x")).Texts("#panel-scores"), " ")
	if strings.Contains(log.String(), "panel failed") {
		t.Fatal(log)
	}
	for _, odd := range []string{"NaN", "Inf", "⟦", "–", "<no value>", "%!"} {
		if strings.Contains(text, odd) {
			t.Errorf("the panel says %q: %s", odd, text)
		}
	}
	return text
}

func says(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !regexp.MustCompile(w).MatchString(text) {
			t.Errorf("it does not say %q: %s", w, text)
		}
	}
}

func TestThePanelSaysWhatIsExpectedAndHowItIsComputed(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		cs := people(t, db, 61)
		shop(t, db, rand.New(rand.NewPCG(6, 6)), cs[:60])
		work(t, db, clock)
		if text := box(t, db, cs[60]); text != "" {
			t.Errorf("somebody who never bought has a panel: %s", text)
		}
		seen := map[string]bool{}
		for _, c := range cs[:60] {
			s, text := of(t, db, c), box(t, db, c)
			says(t, text, fmt.Sprintf(`Likely still a customer %.0f%%`, 100*s.Alive), `omes again within a year: \d+%`, `(Due|Was due) by \d+ \w+ 20\d\d`,
				`Expected value, next year €`, `Group (Champions|Loyal|Could become loyal|New|Promising|Need|About|Cannot|At risk|Asleep)`,
				`How is this computed`, `MBG/CNBD-k`, `BG/NBD`, `gamma-gamma`, `Hughes`, `As of 2 Mar 2026, from \d+ days? with a purchase`)
			if s.Late {
				says(t, text, `Late ?only \d+\.\d% of their gaps`)
			}
			for _, w := range []string{"as long as this silence", "Was due", "Due by", "most likely nothing", "8 of 10 cases", "buys about every"} {
				if strings.Contains(text, w) {
					seen[w] = true
				}
			}
		}
		if len(seen) != 6 {
			t.Errorf("of 60 customers the panels only said %v", seen)
		}
	})
}

func TestTooLittleToLearnFromIsSaidInWords(t *testing.T) {
	for name, c := range map[string]struct {
		buy  func(t *testing.T, db *store.DB, cs []id.Customer)
		says []string
	}{
		"one customer, one order": {func(t *testing.T, db *store.DB, cs []id.Customer) {
			sell(t, db, cs[0], 3, 1000)
		}, []string{`cannot be said yet`, `too few customers to learn from \(1\): at least 10`, `from 1 day with`}},
		"one customer, many orders": {func(t *testing.T, db *store.DB, cs []id.Customer) {
			for i := range 5 {
				sell(t, db, cs[0], 7*i, 1000)
			}
		}, []string{`cannot be said yet`, `\(1\)`, `Their own purchases were 7 days apart`, `from 5 days with`}},
		"one order each": {func(t *testing.T, db *store.DB, cs []id.Customer) {
			for i, c := range cs {
				sell(t, db, c, i, int64(100+i))
			}
		}, []string{`No customer has bought on two different days`, `Group`}},
		"all on one day": {func(t *testing.T, db *store.DB, cs []id.Customer) {
			for i, c := range cs {
				sell(t, db, c, 0, int64(100+i))
				sell(t, db, c, 0, 100)
			}
		}, []string{`cannot be said yet`, `Group`}},
		"two returned": {func(t *testing.T, db *store.DB, cs []id.Customer) {
			for i, c := range cs {
				sell(t, db, c, 30+i, 1000)
			}
			sell(t, db, cs[0], 3, 900)
			sell(t, db, cs[1], 4, 900)
		}, []string{`Too few customers have bought on several days \(2 of 20\)`, `Their own purchases were 27 days apart`}},
		"all the same": {func(t *testing.T, db *store.DB, cs []id.Customer) {
			for _, c := range cs {
				for i := range 6 {
					sell(t, db, c, 10*i, 1000)
				}
			}
		}, []string{`Likely still a customer \d+%`, `Expected value, next year €`, `Due by`}},
		"once a day for nothing but one cent": {func(t *testing.T, db *store.DB, cs []id.Customer) {
			for k, c := range cs {
				for i := range 3 + k%4 {
					sell(t, db, c, i, 1)
				}
			}
		}, []string{`Likely still a customer \d+%`}},
		"very far apart and very dear": {func(t *testing.T, db *store.DB, cs []id.Customer) {
			for k, c := range cs {
				sell(t, db, c, 20_000+k, 1)
				sell(t, db, c, 3*k, 900_000_000_000)
			}
		}, []string{`from 2 days with a purchase`}},
	} {
		t.Run(name, func(t *testing.T) {
			testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
				cs := people(t, db, 20)
				c.buy(t, db, cs)
				work(t, db, clock)
				says(t, box(t, db, cs[0]), c.says...)
				rebuilt(t, db)
				only(t, db)
				models, err := scores.Models(t.Context(), db)
				if err != nil || len(models) != 4 {
					t.Fatalf("%d models, %v", len(models), err)
				}
				for _, m := range models {
					if (m.Trouble == "") == (m.Parameters == "") {
						t.Errorf("%+v has neither parameters nor trouble, or both", m)
					}
				}
			})
		})
	}
}

func TestWithoutAnyOrderThereIsNothingToScore(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		cs := people(t, db, 2)
		for range 2 {
			if done, err := scores.Refresh(t.Context(), db); err != nil || done.Changed != 0 {
				t.Fatalf("refreshed %+v, %v", done, err)
			}
		}
		if n := rebuilt(t, db).Customers; n != 0 || box(t, db, cs[0]) != "" {
			t.Fatalf("%d customers of a shop without orders have scores", n)
		}
	})
}
