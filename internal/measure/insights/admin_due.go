package insights

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"regulars/internal/measure/retention"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/id"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type duePage struct {
	frame
	Nothing *kit.Empty
	Stats   []kit.Stat
	Chart   kit.Chart
	Within  []kit.Tab
	People  kit.Table
	Late    kit.Link
}

// dueWithin are the days ahead that are chosen from.
var dueWithin = []int{7, 14, 30}

const mostDue = 50

// withinOf reads the days ahead from the address.
func withinOf(r *web.Request) int {
	if n, err := strconv.Atoi(r.URL.Query().Get("within")); err == nil && slices.Contains(dueWithin, n) {
		return n
	}
	return dueWithin[0]
}

func (d desk) due(w http.ResponseWriter, r *web.Request) error {
	var x prospects
	f, ok, err := d.scored(r, "due", &x)
	if err != nil {
		return err
	}
	p := duePage{frame: f}
	if !ok {
		return r.Render(w, "insights/due.html", p)
	}
	if rhythm := x.model(scores.Rhythm); rhythm.Trouble != "" {
		none := trouble(r, rhythm.Trouble, rhythm.Buyers, rhythm.Repeaters)
		p.Nothing = &none
		return r.Render(w, "insights/due.html", p)
	}
	for _, days := range dueWithin {
		var n, value int64
		for _, day := range x.Due[:days] {
			n, value = n+day.Customers, value+day.Value
		}
		href := kit.With(r.Href("/insights/due"), nil, "within", strconv.Itoa(days))
		p.Stats = append(p.Stats, kit.Stat{Label: r.Print.N("insights.due.within", days), Value: r.Print.Int(n), Href: href,
			Note: r.T("insights.due.worth", "Value", whole(r, value)), Explain: r.T("insights.due.how")})
		p.Within = append(p.Within, kit.Tab{Active: days == withinOf(r), Link: kit.Link{Href: href, Text: r.Print.N("insights.days", days)}})
	}
	p.Stats = append(p.Stats, kit.Stat{Label: r.T("insights.due.late"), Value: r.Print.Int(x.Late), Note: r.T("insights.due.late.note", "Overdue", r.Print.Int(x.Overdue)),
		Href: r.Href("/insights/value#slipping"), Explain: r.T("insights.due.late.how")})
	p.Late = kit.Link{Href: r.Href("/insights/value#slipping"), Text: r.T("insights.due.late.link")}
	p.Chart = dueChart(r, &x)
	if p.People, err = d.dueTable(r, &x); err != nil {
		return err
	}
	return r.Render(w, "insights/due.html", p)
}

func dueChart(r *web.Request, x *prospects) kit.Chart {
	c := kit.Chart{ID: "due", Title: r.T("insights.due.chart"), Period: r.T("insights.due.day"), Bars: true, Desc: r.T("insights.due.desc"),
		Axis: func(v float64) string { return r.Print.Int(round(v)) }, Export: r.Href("/insights/due/export?within=30")}
	s := kit.Series{Name: r.T("insights.customers")}
	for _, d := range x.Due {
		c.Labels = append(c.Labels, r.Print.DayMonth(d.Day))
		s.Values = append(s.Values, float64(d.Customers))
		s.Texts = append(s.Texts, r.Print.Int(d.Customers))
	}
	c.Series = []kit.Series{s}
	return c
}

// dueTable lists who is due within the days chosen, from the day after the
// scores were made.
func (d desk) dueTable(r *web.Request, x *prospects) (kit.Table, error) {
	days := withinOf(r)
	t := kit.Table{ID: "people", Caption: r.Print.N("insights.due.list", days), Dense: true, Export: kit.With(r.Href("/insights/due/export"), nil, "within", strconv.Itoa(days)),
		Path: r.Href("/insights/due"), Query: r.URL.Query(),
		Columns: []kit.Column{{Key: "name", Title: r.T("insights.value.name")}, {Key: "due", Title: r.T("insights.value.due")},
			{Key: "last", Title: r.T("insights.value.last")}, {Key: "gap", Title: r.T("insights.due.gap"), Number: true},
			{Key: "alive", Title: r.T("insights.value.chance"), Number: true}, {Key: "value", Title: r.T("insights.value.expected"), Number: true}},
		Empty: kit.Empty{Icon: "calendar", Title: r.T("insights.due.nobody"), Text: r.T("insights.due.nobody.text")}}
	after := dueCursor(r.URL.Query().Get("after"))
	t.First = after == scores.DueCursor{}
	people, err := scores.Due(r.Context(), d.db, x.Due[0].Day, x.Due[days-1].Day, mostDue+1, after)
	if err != nil {
		return t, err
	}
	if len(people) > mostDue {
		people = people[:mostDue]
		last := people[mostDue-1]
		t.Next = last.DueDay + "_" + last.Customer.String()
	}
	names, err := d.names(r, people)
	if err != nil {
		return t, err
	}
	for _, s := range people {
		gap, value := "–", "–"
		if s.Gap > 0 {
			gap = r.Print.Decimal(s.Gap, 0)
		}
		if s.HasValue {
			value = whole(r, s.Value)
		}
		t.Rows = append(t.Rows, kit.Row{Href: r.Href("/customers/" + s.Customer.String()), Cells: []any{names[s.Customer], r.Print.Day(s.DueDay), r.Print.Day(s.LastDay),
			gap, r.Print.Percent(s.Alive, 0), value}})
	}
	return t, nil
}

// dueCursor reads a place in the list from the address; what makes no sense is
// its beginning.
func dueCursor(s string) scores.DueCursor {
	day, customer, _ := strings.Cut(s, "_")
	c, err := id.ParseCustomer(customer)
	if _, ok := retention.ParseDay(day); !ok || err != nil {
		return scores.DueCursor{}
	}
	return scores.DueCursor{Day: day, Customer: c}
}

func (d desk) dueFile(w http.ResponseWriter, r *web.Request) error {
	var x prospects
	if _, ok, err := d.seek(r, inquiry{Question: valueQuestion, Filter: Standing}, &x, patience.file); err != nil {
		return err
	} else if ok && len(x.Due) > 0 {
		return d.duePeople(w, r, &x)
	}
	return d.inquiryFile(w, r, "due", inquiry{Question: valueQuestion, Filter: Standing}, &x, func() sheet { return peopleSheet(r, nil) })
}

func (d desk) duePeople(w http.ResponseWriter, r *web.Request, x *prospects) error {
	if err := d.givesOut(r); err != nil {
		return err
	}
	from, to := x.Due[0].Day, x.Due[withinOf(r)-1].Day
	return d.send(w, r, "due", peopleSheet(r, nil).heading, func(yield func([]string, error) bool) {
		const some = 1000
		var after scores.DueCursor
		for {
			people, err := scores.Due(r.Context(), d.db, from, to, some, after)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, row := range peopleSheet(r, people).rows {
				if !yield(row, nil) {
					return
				}
			}
			if len(people) < some {
				return
			}
			after = scores.DueCursor{Day: people[some-1].DueDay, Customer: people[some-1].Customer}
		}
	})
}
