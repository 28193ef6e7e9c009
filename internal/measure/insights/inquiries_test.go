package insights_test

import (
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/measure/insights"
	"regulars/internal/measure/retention"
	"regulars/internal/measure/scores"
	"regulars/internal/testkit"
	"regulars/internal/testkit/browser"
	"regulars/internal/testkit/page"
)

// habits places orders of n customers with habits of their own in the two
// years before a day, the same at every run.
func (s *shop) habits(n int, until string) {
	s.t.Helper()
	last, err := time.Parse(time.DateOnly, until)
	if err != nil {
		s.t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 7))
	var sales []orders.Sale
	for _, c := range s.people(n, "GB") {
		gap := 10 + 60*r.ExpFloat64()
		spend := 1000 + 4000*r.Float64()
		for day := 600 * r.Float64(); day < 730; day += 3 + gap*r.ExpFloat64() {
			sales = append(sales, s.sale(c, last.AddDate(0, 0, int(day)-730).Format(time.DateOnly), int64(spend*(0.5+r.Float64()))))
			if r.Float64() < 0.15 {
				break
			}
		}
	}
	s.place(sales...)
}

func (s *shop) score() {
	s.t.Helper()
	if _, err := scores.Refresh(s.t.Context(), s.db); err != nil {
		s.t.Fatal(err)
	}
}

// renewed asks for a page, does what work came of that, and asks again.
func (s *shop) renewed(path string) *page.Page {
	s.t.Helper()
	s.look(path)
	s.work()
	return s.look(path)
}

// rows are the lines of a file without its heading, once it is there.
func (s *shop) rows(path string) [][]string {
	s.t.Helper()
	page.Get(s.t, s, strings.Replace(path, "/export", "", 1), page.As(s.token))
	s.work()
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(s.look(path).Body, "\ufeff"))).ReadAll()
	if err != nil || len(rows) == 0 {
		s.t.Fatalf("%s: %v", path, err)
	}
	return rows[1:]
}

// history is what the models know, read without the package under test.
func (s *shop) history(asOf string) *retention.History {
	s.t.Helper()
	rows, err := s.db.Query(s.t.Context(), `select customer_id, placed_day, base_minor from orders where purchase`)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	dayOf := func(text string) int32 {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			s.t.Fatal(err)
		}
		return int32(at.Unix() / 86400)
	}
	var in retention.Orders
	for rows.Next() {
		var c, minor int64
		var day string
		if err := rows.Scan(&c, &day, &minor); err != nil {
			s.t.Fatal(err)
		}
		in.Add(c, dayOf(day), minor)
	}
	h, _, err := retention.Build(in, retention.Rules{LastDay: dayOf(asOf), FreeOrders: true})
	if err != nil {
		s.t.Fatal(err)
	}
	return h
}

func TestTheForecastIsThatOfTheModelsWithItsPast(t *testing.T) {
	each(t, "2026-03-02", func(t *testing.T, s *shop) {
		s.habits(200, "2026-03-02")
		s.work()
		h := s.history("2026-03-02")
		var origins []int32
		for p := retention.Month.PeriodOf(h.LastDay); len(origins) < 12; p-- {
			if day := retention.Month.First(p) - 1; day+91 <= h.LastDay {
				origins = append(origins, day)
			}
		}
		trials, err := retention.Backtest(h, retention.Trial{Days: 91, Origins: origins})
		if err != nil {
			t.Fatal(err)
		}
		past := trials[0]
		want, err := retention.ForecastOf(h, 91, past)
		if err != nil {
			t.Fatal(err)
		}
		found, tests := false, 0
		for _, row := range s.rows("/insights/forecast/export") {
			if row[1] == "91" && row[13] != "" {
				tests++
			}
			if row[0] == "2026-03-02" && row[1] == "91" {
				found = true
				for at, v := range map[int]float64{7: want.Revenue.Expected, 8: want.Revenue.Low50, 9: want.Revenue.High50, 10: want.Revenue.Low90, 11: want.Revenue.High90} {
					if got := fmt.Sprintf("%.2f", math.Round(v)/100); row[at] != got {
						t.Errorf("column %d is %s, want %s", at, row[at], got)
					}
				}
			}
		}
		if !found || tests != 12 {
			t.Errorf("found %v, %d tests", found, tests)
		}
		in90 := 0
		for _, b := range past {
			if _, _, _, r90 := b.Covered(); r90 {
				in90++
			}
		}
		p := s.look("/insights/forecast")
		p.Count(".stat", 3).Count("#ahead tbody tr", 6).In("#forecast").
			In("#held tbody tr:nth-of-type(2)", page.HasText("Next 91 days"), page.HasText(fmt.Sprintf("%d of 12", in90)))
		s.look("/insights/forecast?country=CZ").In(".blank", page.HasText("Nobody bought in what you chose"))
	})
}

func TestTooLittleToLearnFromIsSaidInWords(t *testing.T) {
	each(t, "2026-03-02", func(t *testing.T, s *shop) {
		for i, c := range s.people(5, "GB") {
			s.place(s.sale(c, fmt.Sprintf("2026-02-0%d", i+1), 500))
		}
		s.work()
		for _, path := range []string{"/insights/forecast", "/insights/money"} {
			s.look(path).In(".blank", page.HasText("Too few customers to learn from (5): at least 10 are needed")).Not(".stat")
		}
		s.look("/insights/value").In(".blank", page.HasText("Customers are being scored"))
		s.score()
		for _, path := range []string{"/insights/value", "/insights/due"} {
			s.renewed(path).In(".blank", page.HasText("Too few customers to learn from (5): at least 10 are needed")).Not(".stat")
		}
		s.look("/insights/moved").In(".blank", page.HasText("There is nothing to compare"), page.HasText("1 Feb 2026"))
		for _, path := range []string{"/insights/forecast/export", "/insights/money/export", "/insights/value/export", "/insights/due/export", "/insights/moved/export"} {
			s.look(path)
		}
		s.place(s.sale(s.people(1, "GB")[0], "2026-02-09", 500))
		s.work()
		s.renewed("/insights/forecast").In(".blank", page.HasText("Too few customers to learn from (6)"))
	})
}

func TestWhoSlipsAwayLeadsToTheirPage(t *testing.T) {
	each(t, "2026-03-02", func(t *testing.T, s *shop) {
		s.habits(150, "2026-03-02")
		s.score()
		p := s.look("/insights/value")
		want, err := scores.Slipping(t.Context(), s.db, 25, scores.SlippingCursor{})
		if err != nil || len(want) < 3 {
			t.Fatal(len(want), err)
		}
		hrefs := hrefsOf(p, "#slipping tbody th a")
		for i, x := range want {
			if i >= len(hrefs) || hrefs[i] != "/customers/"+x.Customer.String() {
				t.Fatalf("row %d of %q, want %s", i, hrefs, x.Customer)
			}
		}
		page.Get(t, s, hrefs[0], page.As(s.token)).HasStatus(200)
		n, worth, err := scores.AtStake(t.Context(), s.db)
		if err != nil {
			t.Fatal(err)
		}
		p.In(".stat", page.HasText("Slipping away"), page.HasText(fmt.Sprint(n)), page.HasText(pounds(worth))).
			In("#fit", page.HasText("BG/NBD"), page.HasText("log likelihood"))
		if rows := s.rows("/insights/value/export?show=slipping"); len(rows) != int(n) || rows[0][0] != want[0].Customer.String() {
			t.Errorf("%d lines of %d customers", len(rows), n)
		}
		if n := s.count(`select count(*) from audit where action = 'customers.exported'`); n != 1 {
			t.Errorf("%d lines in the audit log", n)
		}
		var all int
		for _, row := range s.rows("/insights/value/export") {
			var c int
			fmt.Sscan(row[1], &c)
			all += c
		}
		if buyers := s.count(`select count(*) from customer_scores where alive is not null`); all != buyers {
			t.Errorf("the distribution is of %d customers, %d are scored", all, buyers)
		}
		s.place(s.sale(s.people(1, "GB")[0], "2026-03-01", 500))
		s.notice()
		s.look("/insights/value").In("#freshness [hx-get]")
	})
}

// pounds writes pence without the pennies.
func pounds(minor int64) string {
	text := fmt.Sprint((minor + 50) / 100)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return "£" + text
}

func TestWhoIsDueIsListedByDayAndPageByPage(t *testing.T) {
	each(t, "2026-03-02", func(t *testing.T, s *shop) {
		s.habits(700, "2026-03-02")
		s.score()
		want, err := scores.Due(t.Context(), s.db, "2026-03-03", "2026-04-01", 1000, scores.DueCursor{})
		if err != nil || len(want) <= 50 {
			t.Fatal(len(want), err)
		}
		var hrefs []string
		for path := "/insights/due?within=30"; path != ""; {
			p := s.look(path)
			hrefs = append(hrefs, hrefsOf(p, "#people tbody th a")...)
			path = attrOf(p, "a[rel=next]", 0)
		}
		var ids []string
		for _, x := range want {
			ids = append(ids, "/customers/"+x.Customer.String())
		}
		if !slices.Equal(hrefs, ids) {
			t.Errorf("%d customers are listed, want %d", len(hrefs), len(ids))
		}
		soon := 0
		for _, x := range want {
			if x.DueDay <= "2026-03-09" {
				soon++
			}
		}
		s.look("/insights/due").In(".stat", page.HasText("Due within 30 days"), page.HasText(fmt.Sprint(len(want)))).
			In(".stat", page.HasText("Due within 7 days"), page.HasText(fmt.Sprintf("Due within 7 days %d expected", soon)))
		if rows := s.rows("/insights/due/export?within=30"); len(rows) != len(want) || rows[0][0] != want[0].Customer.String() {
			t.Errorf("the file has %d lines, want %d", len(rows), len(want))
		}
		s.look("/insights/due?within=-3&after=nonsense").In("#people tbody tr")
	})
}

func TestCostsAreKeptAndHeldAgainstEachOther(t *testing.T) {
	each(t, "2026-03-02", func(t *testing.T, s *shop) {
		s.habits(200, "2026-03-02")
		s.work()
		p := s.look("/insights/money").In("#pays", page.HasText("Enter what it costs"))
		h := s.history("2026-03-02")
		buying, _, err := retention.FitBGNBD(retention.BuyersOf(h, h.LastDay))
		if err != nil {
			t.Fatal(err)
		}
		spending, _, err := retention.FitGammaGamma(retention.SpendersOf(h, h.LastDay, true))
		if err != nil {
			t.Fatal(err)
		}
		var won float64
		for i := range h.ID {
			if h.Days(i)[0] > h.LastDay-365 {
				won++
			}
		}
		m := retention.MoneyCaseOf(h, buying, spending, won)
		p.In(".stat", page.HasText("One point of retention"), page.HasText(pounds(int64(math.Round(m.Point(1).TotalMinor()))))).
			In(".stat", page.HasText("5 points of retention"), page.HasText(pounds(int64(math.Round(m.Point(5).TotalMinor())))))
		year := retention.ConcentrationOf(h, retention.Span{From: h.LastDay - 364, To: h.LastDay})
		bring, _, _ := year.Bring(0.8)
		p.In("#most", page.HasText(fmt.Sprintf("%d customers", bring)), page.HasText("four fifths"))

		page.Post(t, s, "/insights/money", url.Values{"win": {"minus"}, "margin": {"140"}}, page.As(s.token)).HasStatus(422).In(".alert-bad").In("#error-margin")
		if c, _ := insights.LoadCosts(t.Context(), s.db); c != (insights.Costs{}) {
			t.Fatalf("wrong costs were saved: %+v", c)
		}
		page.Post(t, s, "/insights/money", url.Values{"win": {"12.50"}, "keep": {"3"}, "margin": {"40.5"}, "growth": {"900"}}, page.As(s.token)).Redirects("/insights/money")
		c, err := insights.LoadCosts(t.Context(), s.db)
		if err != nil || c != (insights.Costs{WinMinor: 1250, KeepMinor: 300, Margin: 405, Growth: 9000}) {
			t.Fatalf("%+v, %v", c, err)
		}
		if n := s.count(`select count(*) from audit where action = 'insights.costs_changed'`); n != 1 {
			t.Errorf("%d lines in the audit log", n)
		}
		pay := m.Payback(1250, 300, 0.405)
		p = s.look("/insights/money").In("#field-win[value='12.50']").In("#field-margin[value='40.5']").
			In(".stat", page.HasText("A customer won leaves"), page.HasText(fmt.Sprintf("£%.2f", math.Round(pay.WinMinor)/100))).
			In(".stat", page.HasText("A customer kept leaves"), page.HasText(fmt.Sprintf("£%.2f", math.Round(pay.KeepMinor)/100))).
			In("#goal", page.HasText("To grow by 900.0%"), page.HasText("customers must be won"))
		better := "Winning pays better"
		if pay.KeepMinor/300 > pay.WinMinor/1250 {
			better = "Keeping pays better"
		}
		p.In("#pays", page.HasText(better))
	})
}

func TestThePagesOfWhatComesShowARealStore(t *testing.T) {
	if testing.Short() {
		t.Skip("browser tests are not short")
	}
	s := withClock(t, testkit.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)))
	s.retail()
	s.work()
	s.score()
	page.Post(t, s, "/insights/money", url.Values{"win": {"20"}, "keep": {"5"}, "margin": {"35"}, "growth": {"10"}}, page.As(s.token)).Redirects("/insights/money")
	all := []string{"/insights/forecast", "/insights/value", "/insights/due?within=30", "/insights/money", "/insights/moved?compare=days90"}
	for _, path := range all {
		s.look(path).In(".stat")
	}
	for _, view := range []struct {
		width int64
		theme string
	}{{browser.Narrow, "light"}, {browser.Narrow, "dark"}, {browser.Wide, "light"}, {browser.Wide, "dark"}} {
		tab := browser.Open(t, s, "", view.width, view.theme)
		tab.SignIn(s.token)
		for _, path := range all {
			tab.Go(path)
			name, _, _ := strings.Cut(strings.Trim(path, "/"), "?")
			picture(tab, fmt.Sprintf("%s-%d-%s", strings.ReplaceAll(name, "/", "-"), view.width, view.theme))
			tab.NoViolations()
			tab.FitsWidth()
		}
		if said := tab.Errors(); len(said) > 0 {
			t.Errorf("the browser complains: %q", said)
		}
	}
}
