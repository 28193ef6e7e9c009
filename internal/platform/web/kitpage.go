package web

import (
	"fmt"
	"html/template"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"regulars/internal/platform/money"
	"regulars/internal/platform/web/kit"
)

// kitPage is every component with fake data. It is for those who build
// Regulars, so its text is in English only.
type kitPage struct {
	Stats    []kit.Stat
	Table    kit.Table
	NoRows   kit.Table
	Filter   kit.Filter
	Form     *Form
	Options  []kit.Option
	Buttons  []kit.Button
	Alerts   []kit.Alert
	Tabs     kit.Tabs
	Terms    []kit.Term
	Story    kit.Timeline
	Progress kit.Progress
	Dialog   kit.Dialog
	Steps    kit.Steps
	Lines    kit.Chart
	Bars     kit.Chart
	NoChart  kit.Chart
	Cohorts  kit.Heat
	RFM      kit.Heat
	Ranking  kit.Ranking
	Names    []string
}

func showKit(w http.ResponseWriter, r *Request) error {
	if r.Request.URL.Query().Has("progress") {
		return r.RenderBlock(w, http.StatusOK, "web/kit.html", "kit/progress", kitProgress(r, 100))
	}
	// The page is shown in the staff layout although nobody need be signed in.
	if r.Staff.ID == 0 {
		r.Staff = Staff{ID: 1, Name: "Ana Dvořáková", Role: Owner}
	}
	return r.Render(w, "web/kit.html", kitData(r, r.NewForm()))
}

// tryKit reads the form of the kit page and shows it again: with its errors,
// or emptied and with a notice.
func tryKit(w http.ResponseWriter, r *Request) error {
	r.Staff = Staff{ID: 1, Name: "Ana Dvořáková", Role: Owner}
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	f.Need("name", 40)
	f.Email("email")
	f.Money("budget", "GBP")
	f.Day("birthday")
	f.Int("visits", 0, 100)
	f.Area("note", 200)
	f.Choice("language", "en", "cs", "ko")
	if !f.OK() {
		return r.RenderStatus(w, http.StatusUnprocessableEntity, "web/kit.html", kitData(r, f))
	}
	r.Flash(w, "good", "Saved.")
	return r.Redirect(w, "/dev/kit")
}

func kitData(r *Request, f *Form) kitPage {
	here := r.Href("/dev/kit")
	p := kitPage{
		Form:    f,
		Options: []kit.Option{{Value: "en", Text: "English"}, {Value: "cs", Text: "Čeština"}, {Value: "ko", Text: "한국어"}},
		Names:   []string{"Ana Dvořáková", "Boris Ivanov", "김민준", "Chiara Conti", "Дарья Орлова", "Eve", "Frank van Dijk", "Grace O'Neil"},
		Buttons: []kit.Button{
			{Text: "Save", Kind: "primary", Icon: "check"}, {Text: "Export", Href: here, Icon: "download"},
			{Text: "Cancel", Kind: "quiet", Href: here}, {Text: "Remove", Kind: "danger", Icon: "trash"},
		},
		Alerts: []kit.Alert{
			{Tone: kit.Good, Title: "Import complete", Text: "541,909 lines read, 4,372 customers found."},
			{Tone: kit.Warn, Text: "12 orders wait for an exchange rate.", Action: kit.Link{Href: here, Text: "Enter the rate"}},
			{Tone: kit.Bad, Title: "The file broke off", Text: "Line 1,204 ends in the middle. The lines before it are in."},
			{Tone: kit.Accent, Text: "December is not over yet, so its figures will grow."},
		},
		Tabs: kit.Tabs{Label: "Customer", Tabs: []kit.Tab{
			{Link: kit.Link{Href: here, Text: "Timeline", Icon: "history"}, Active: true},
			{Link: kit.Link{Href: here + "?tab=orders", Text: "Orders", Icon: "receipt"}, Count: "14"},
			{Link: kit.Link{Href: here + "?tab=notes", Text: "Notes", Icon: "note"}, Count: "2"},
		}},
		Terms: []kit.Term{
			{Name: "Email", Value: "ana@example.com"}, {Name: "Customer since", Value: r.Print.DayLong("2024-03-09")},
			{Name: "Language", Value: "Čeština"}, {Name: "Consent", Value: kit.Badge(kit.Good, "Newsletter")},
		},
		Progress: kitProgress(r, 62),
		Dialog: kit.Dialog{ID: "merge", Title: "Merge two customers", Open: kit.Button{Text: "Merge…", Icon: "git-merge"},
			Body:   template.HTML(`<p>Boris Ivanov’s 3 orders move to Ana Dvořáková. This can be undone.</p>`), //nolint:gosec // our own text
			Action: here, Submit: kit.Button{Text: "Merge", Kind: "primary"}},
		Steps: kit.Steps{Label: "Import", Steps: []kit.Step{{Text: "File", Href: here, State: "done"}, {Text: "Columns", State: "now"}, {Text: "Check", State: "next"}, {Text: "Import", State: "next"}}},
		Ranking: kit.Ranking{Label: "Reasons for refunds", Rows: []kit.Ranked{
			{Text: "Arrived late", Href: here, Value: "41 %", Share: 1}, {Text: "Not as shown", Value: "27 %", Share: 0.66}, {Text: "Broken", Value: "9 %", Share: 0.22},
		}},
		NoChart: kit.Chart{ID: "none", Title: "Revenue", Empty: "There is no order in these days. Choose a longer range."},
	}
	p.Stats = kitStats(here)
	p.Table, p.NoRows, p.Filter = kitLists(r, here)
	p.Story = kitStory(r, here)
	p.Lines, p.Bars = kitCharts(r, here)
	p.Cohorts, p.RFM = kitHeats(r, here)
	return p
}

func kitProgress(r *Request, percent int) kit.Progress {
	p := kit.Progress{ID: "import", Label: "Importing online_retail.csv", Percent: percent, Note: "335,980 of 541,909 lines, 68,000 a second, 3 seconds left"}
	if percent < 100 {
		p.Poll = r.Href("/dev/kit?progress")
	}
	return p
}

func kitStats(here string) []kit.Stat {
	return []kit.Stat{
		{Label: "Retention", Icon: "repeat", Value: "90.0 %", Change: "+3.1 points", Tone: kit.Good, Note: "than the year before", Recent: []float64{84, 83, 86, 85, 88, 87, 90},
			Explain: "Customers at the end (1,100) less new ones (200), by customers at the start (1,000)."},
		{Label: "Buy again", Icon: "shopping-bag", Value: "65.58 %", Note: "of 4,338 customers", Href: here, Explain: "Customers with two orders or more, by all who ever ordered."},
		{Label: "Slipping away", Icon: "heart-broken", Value: "128", Change: "+12", Tone: kit.Bad, Note: "this week", Recent: []float64{90, 92, 98, 101, 110, 116, 128}},
		{Label: "Days between orders", Icon: "clock", Value: "31", Note: "median of 2,845 customers"},
	}
}

func kitLists(r *Request, here string) (table, none kit.Table, filter kit.Filter) {
	people := []struct {
		name, where, state string
		tone               kit.Tone
		orders             int
		spent              int64
		last               string
	}{
		{"Ana Dvořáková", "Praha", "Loyal", kit.Good, 41, 318420, "2026-02-27"}, {"Boris Ivanov", "Sofia", "Slipping away", kit.Warn, 12, 84010, "2025-10-02"},
		{"김민준", "서울", "New", kit.Accent, 1, 2450, "2026-02-28"}, {"Chiara Conti", "Bologna", "Loyal", kit.Good, 27, 190555, "2026-02-11"},
		{"Дарья Орлова", "Рига", "Lost", kit.Bad, 4, 12300, "2024-12-19"}, {"Frank van Dijk with a rather long name", "Utrecht", "Regular", kit.Plain, 9, 45120, "2026-01-30"},
	}
	table = kit.Table{
		ID: "people", Caption: "Customers", Path: here, Query: r.URL.Query(), Sort: "spent", Desc: true, Next: "abc", First: true,
		Total: r.Print.Int(4372) + " customers", Export: here + "?csv=1",
		Columns: []kit.Column{{Key: "name", Title: "Name", Sortable: true}, {Key: "city", Title: "City"}, {Key: "state", Title: "State"},
			{Key: "orders", Title: "Orders", Number: true, Sortable: true}, {Key: "spent", Title: "Spent", Number: true, Sortable: true, Explain: "All orders less refunds, in the store's own currency."}, {Key: "last", Title: "Last order", Sortable: true}},
		All: []kit.Column{{Key: "name", Title: "Name", Shown: true}, {Key: "city", Title: "City", Shown: true}, {Key: "email", Title: "Email"}},
	}
	for _, p := range people {
		face := template.HTML(`<span class="with-face">` + kit.Avatar(p.name) + ` <span>` + template.HTML(template.HTMLEscapeString(p.name)) + `</span></span>`) //nolint:gosec // escaped
		table.Rows = append(table.Rows, kit.Row{Href: here + "?who=" + url.QueryEscape(p.name), Cells: []any{
			face, p.where, kit.Badge(p.tone, p.state), r.Print.Int(int64(p.orders)), r.Print.Money(money.Amount{Minor: p.spent, Currency: "GBP"}), r.Print.Day(p.last)}})
	}
	none = kit.Table{ID: "nobody", Caption: "Customers", Empty: kit.Empty{Icon: "users", Title: "No customers yet",
		Text: "Import the orders of your shop, and everybody who ever bought is here with their whole history.", Action: kit.Link{Href: here, Text: "Import orders", Icon: "file-import"}}}
	query := r.URL.Query()
	if len(query) == 0 {
		query = url.Values{"q": {"an"}, "state": {"loyal"}}
	}
	filter = kit.Filter{Path: here, Query: query, Search: "Search by name, email or phone", Keep: []string{"sort"}, Target: "people-found",
		Fields: []kit.Field{{Kind: "select", Name: "state", Label: "State", Value: query.Get("state"), Choices: []kit.Option{{Value: "", Text: "Any"}, {Value: "loyal", Text: "Loyal"}}}},
		Range:  &kit.Range{From: "2026-01-01", To: "2026-02-28", Presets: []kit.Preset{{Text: "This year", From: "2026-01-01", To: "2026-02-28"}, {Text: "Last year", From: "2025-01-01", To: "2025-12-31"}}}}
	if q := query.Get("q"); q != "" {
		filter.Active = append(filter.Active, kit.Chip{Text: "Name: " + q, Name: "q"})
		table.Rows = slices.DeleteFunc(table.Rows, func(row kit.Row) bool { return !strings.Contains(strings.ToLower(row.Href), q) })
	}
	if query.Get("state") != "" {
		filter.Active = append(filter.Active, kit.Chip{Text: "State: Loyal", Name: "state"})
	}
	filter.Results = r.Print.Int(int64(len(table.Rows))) + " customers"
	table.Total, table.Empty = filter.Results, kit.Empty{Icon: "search", Title: "Nobody fits", Text: "Take a filter away, or search for less."}
	return table, none, filter
}

func kitStory(r *Request, here string) kit.Timeline {
	at := func(d time.Duration) (string, string) {
		t := time.Date(2026, 2, 27, 16, 20, 0, 0, time.UTC).Add(-d)
		return r.Print.Time(t), t.Format(time.RFC3339)
	}
	moment := func(icon string, tone kit.Tone, title, text string, d time.Duration) kit.Moment {
		when, iso := at(d)
		return kit.Moment{Icon: icon, Tone: tone, Title: title, Text: text, When: when, ISO: iso}
	}
	first := moment("receipt", kit.Accent, "Ordered for £84.20", "Ethiopia Guji, 2 filters, 1 mug", 0)
	first.Href, first.Detail = here, "Order 10412, paid by card at the till."
	return kit.Timeline{Label: "What happened", Older: here + "?older=1", Groups: []kit.MomentGroup{
		{Title: r.Print.MonthLong("2026-02"), Moments: []kit.Moment{first, moment("mood-happy", kit.Good, "Answered 10 of 10", "“You remembered my grinder.”", 26*time.Hour)}},
		{Title: r.Print.MonthLong("2026-01"), Moments: []kit.Moment{moment("truck-delivery", kit.Bad, "Delivery was 3 days late", "", 30*24*time.Hour), moment("note", kit.Plain, "Note by Petr", "Prefers to be called after 5.", 40*24*time.Hour)}},
	}}
}

func kitCharts(r *Request, here string) (lines, bars kit.Chart) {
	lines = kit.Chart{ID: "retention", Title: "Retention by month", Desc: "Retention rose from 78 to 90 per cent within a year.", Period: "Month", Running: true, Fit: true, Export: here + "?csv=2",
		Axis: func(v float64) string { return r.Print.Percent(v/100, 0) }}
	bars = kit.Chart{ID: "revenue", Title: "Revenue of new and returning customers", Desc: "Two thirds of the revenue come from returning customers.", Period: "Month", Bars: true, Running: true, Export: here + "?csv=3",
		Axis: func(v float64) string {
			return r.Print.MoneyWhole(money.Amount{Minor: int64(v * 100), Currency: "GBP"})
		}}
	rate, before := kit.Series{Name: "This year"}, kit.Series{Name: "Year before", Guess: true}
	fresh, back := kit.Series{Name: "Returning"}, kit.Series{Name: "New"}
	for i := range 12 {
		month := r.Print.Month(fmt.Sprintf("2025-%02d", i+1))
		lines.Labels, bars.Labels = append(lines.Labels, month), append(bars.Labels, month)
		x := float64(i)
		add := func(s *kit.Series, v float64, text string) {
			s.Values, s.Texts = append(s.Values, v), append(s.Texts, text)
		}
		a, b := 78+x+2*math.Sin(x), 74+x/2+math.Cos(x)
		add(&rate, a, r.Print.Percent(a/100, 1))
		add(&before, b, r.Print.Percent(b/100, 1))
		c, d := math.Round(8200+300*x+1200*math.Sin(x/2)), math.Round(4100+700*math.Cos(x))
		add(&fresh, c, r.Print.MoneyWhole(money.Amount{Minor: int64(c * 100), Currency: "GBP"}))
		add(&back, d, r.Print.MoneyWhole(money.Amount{Minor: int64(d * 100), Currency: "GBP"}))
	}
	lines.Series, bars.Series = []kit.Series{rate, before}, []kit.Series{fresh, back}
	return lines, bars
}

func kitHeats(r *Request, here string) (cohorts, rfm kit.Heat) {
	cohorts = kit.Heat{ID: "cohorts", Caption: "Share of each month's new customers who bought again, by months since", Corner: "First order", Low: "0 %", High: "60 %", Export: here + "?csv=4"}
	for age := range 9 {
		cohorts.Columns = append(cohorts.Columns, r.Print.Int(int64(age+1)))
		row := kit.HeatRow{Head: r.Print.Month(fmt.Sprintf("2025-%02d", age+1)), Note: r.Print.Int(int64(885 - 60*age))}
		for i := range 9 {
			share := 0.6 * math.Exp(-float64(i)/5) * (1 - float64(age)/14)
			cell := kit.HeatCell{Text: r.Print.Percent(share, 0), Level: kit.LevelOf(share, 0.6), Open: i == 8-age}
			if i > 8-age {
				cell = kit.HeatCell{Level: -1}
			}
			row.Cells = append(row.Cells, cell)
		}
		cohorts.Rows = append(cohorts.Rows, row)
	}
	rfm = kit.Heat{ID: "rfm", Caption: "Customers by how lately and how often they buy", Corner: "Orders", Across: "Days since the last order", Square: true, Columns: []string{"0–14", "15–30", "31–60", "61–120", "120+"}, Low: "0", High: "420"}
	for i, head := range []string{"10+", "6–9", "4–5", "2–3", "1"} {
		row := kit.HeatRow{Head: head}
		for j := range 5 {
			n := 420 * math.Exp(-math.Abs(float64(i-j))/1.3)
			row.Cells = append(row.Cells, kit.HeatCell{Text: r.Print.Int(int64(n)), Small: r.Print.Percent(n/4372, 1), Level: kit.LevelOf(n, 420), Href: here})
		}
		rfm.Rows = append(rfm.Rows, row)
	}
	return cohorts, rfm
}
