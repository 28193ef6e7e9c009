package insights

import (
	"net/http"
	"strconv"

	"regulars/internal/know/customers"
	"regulars/internal/measure/retention"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/id"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type valuePage struct {
	frame
	Nothing  *kit.Empty
	Stats    []kit.Stat
	Chart    kit.Chart
	Bands    kit.Table
	Slipping kit.Table
	Fit      []kit.Term
	Says     []string // what the fit means, and when not to trust it
}

// mostSlipping is how many of those who slip away a page lists.
const mostSlipping = 25

func (d desk) value(w http.ResponseWriter, r *web.Request) error {
	var x prospects
	f, ok, err := d.scored(r, "value", &x)
	if err != nil {
		return err
	}
	p := valuePage{frame: f}
	if !ok {
		return r.Render(w, "insights/value.html", p)
	}
	if rhythm := x.model(scores.Rhythm); rhythm.Trouble != "" {
		none := trouble(r, rhythm.Trouble, rhythm.Buyers, rhythm.Repeaters)
		p.Nothing = &none
		return r.Render(w, "insights/value.html", p)
	}
	p.Stats = valueStats(r, &x)
	p.Chart, p.Bands = chanceChart(r, &x), bandTable(r, &x)
	if p.Slipping, err = d.slipping(r); err != nil {
		return err
	}
	if err := p.fit(r, &x); err != nil {
		return err
	}
	return r.Render(w, "insights/value.html", p)
}

// scored is the frame of a page of what the scores come to; false with nothing
// to show but the frame.
func (d desk) scored(r *web.Request, key string, x *prospects) (frame, bool, error) {
	p, err := d.inquire(r, key, inquiry{Question: valueQuestion, Filter: Standing}, x)
	if err != nil || p.Fig == nil {
		return p, false, err
	}
	if x.Scored == 0 {
		blank := d.blank(r, &Result{})
		if standing, ok, err := d.kept.read(r.Context(), d.db, Standing, r.Now); err != nil {
			return p, false, err
		} else if ok && !standing.Empty {
			blank = kit.Empty{Icon: "hourglass", Title: r.T("insights.scored.title"), Text: r.T("insights.scored.text")}
		}
		p.Blank, p.Fig = &blank, nil
		return p, false, nil
	}
	p.Status += " " + r.T("insights.scored.as-of", "Day", r.Print.Day(x.AsOf))
	return p, true, nil
}

func valueStats(r *web.Request, x *prospects) []kit.Stat {
	all := []kit.Stat{{Label: r.T("insights.value.alive"), Value: r.Print.Int(round(x.Alive)), Note: r.T("insights.value.alive.note", "All", r.Print.Int(x.Judged)),
		Explain: r.T("insights.value.alive.how")}}
	if x.Valued > 0 {
		all = append(all, kit.Stat{Label: r.T("insights.value.year"), Value: whole(r, x.Value), Href: r.Href("/insights/forecast"),
			Note: r.T("insights.value.year.note", "Each", whole(r, x.Value/x.Valued)), Explain: r.T("insights.value.year.how")})
	}
	return append(all,
		kit.Stat{Label: r.T("insights.value.slipping"), Value: r.Print.Int(x.Slipping), Tone: kit.Warn, Note: r.T("insights.value.slipping.note", "Worth", whole(r, x.Worth)),
			Explain: r.T("insights.value.slipping.how")})
}

// chanceChart counts customers by their chance to be customers still.
func chanceChart(r *web.Request, x *prospects) kit.Chart {
	c := kit.Chart{ID: "alive", Title: r.T("insights.value.chances"), Period: r.T("insights.value.chance"), Bars: true, Export: r.Href("/insights/value/export"),
		Axis: func(v float64) string { return r.Print.Int(round(v)) }, Empty: r.T("insights.value.none")}
	people := kit.Series{Name: r.T("insights.customers")}
	likely := int64(0)
	for i, b := range x.Chances {
		c.Labels = append(c.Labels, r.Print.Percent(b.UpTo-0.1, 0)+" – "+r.Print.Percent(b.UpTo, 0))
		people.Values = append(people.Values, float64(b.Customers))
		people.Texts = append(people.Texts, r.T("insights.value.cell", "N", r.Print.Int(b.Customers), "Value", whole(r, b.Value)))
		if i >= 5 {
			likely += b.Customers
		}
	}
	c.Series = []kit.Series{people}
	c.Desc = r.T("insights.value.desc", "N", r.Print.Int(likely), "All", r.Print.Int(x.Judged))
	return c
}

// bandTable is what parts of the customers are expected to bring.
func bandTable(r *web.Request, x *prospects) kit.Table {
	t := kit.Table{ID: "bands", Caption: r.T("insights.value.bands"), First: true, Dense: true, Export: r.Href("/insights/value/export?show=bands"),
		Columns: []kit.Column{{Key: "who", Title: r.T("insights.value.who")}, {Key: "n", Title: r.T("insights.customers"), Number: true},
			{Key: "least", Title: r.T("insights.value.least"), Number: true}, {Key: "value", Title: r.T("insights.value.together"), Number: true},
			{Key: "share", Title: r.T("insights.rfm.share"), Number: true}},
		Empty: kit.Empty{Icon: "coin", Title: r.T("insights.value.unvalued"), Text: r.T("insights.value.unvalued.text")}}
	before := 0.0
	for _, b := range x.Bands {
		t.Rows = append(t.Rows, kit.Row{Cells: []any{r.T("insights.value.from-to", "From", r.Print.Percent(before, 0), "To", r.Print.Percent(b.Share, 0)),
			r.Print.Int(b.Customers), whole(r, b.Least), whole(r, b.Value), share(r, func() (float64, bool) { return part(b.Value, x.Value) })}})
		before = b.Share
	}
	return t
}

// slipping lists the most valuable of those who slip away.
func (d desk) slipping(r *web.Request) (kit.Table, error) {
	t := kit.Table{ID: "slipping", Caption: r.T("insights.value.list"), First: true, Dense: true, Export: r.Href("/insights/value/export?show=slipping"),
		Columns: []kit.Column{{Key: "name", Title: r.T("insights.value.name")}, {Key: "last", Title: r.T("insights.value.last")},
			{Key: "due", Title: r.T("insights.value.due")}, {Key: "alive", Title: r.T("insights.value.chance"), Number: true},
			{Key: "worth", Title: r.T("insights.value.worth"), Number: true, Explain: r.T("insights.value.worth.how")},
			{Key: "value", Title: r.T("insights.value.expected"), Number: true}, {Key: "range", Title: r.T("insights.value.interval"), Number: true, Explain: r.T("insights.value.interval.how")}},
		Empty: kit.Empty{Icon: "mood-smile", Title: r.T("insights.value.nobody"), Text: r.T("insights.value.nobody.text")}}
	some, err := scores.Slipping(r.Context(), d.db, mostSlipping, scores.SlippingCursor{})
	if err != nil {
		return t, err
	}
	names, err := d.names(r, some)
	if err != nil {
		return t, err
	}
	for _, s := range some {
		between := "–"
		low, high, ok, err := scores.Interval(r.Context(), d.db, s.Score)
		if err != nil {
			return t, err
		}
		if ok {
			between = spread(r, float64(low), float64(high), true)
		}
		t.Rows = append(t.Rows, kit.Row{Href: r.Href("/customers/" + s.Customer.String()), Cells: []any{names[s.Customer], r.Print.Day(s.LastDay), dayOr(r, s.DueDay),
			r.Print.Percent(s.Alive, 0), whole(r, s.Worth), whole(r, s.Value), between}})
	}
	return t, nil
}

// names are what the customers of a list are called.
func (d desk) names(r *web.Request, people []scores.Listed) (map[id.Customer]string, error) {
	ids := make([]id.Customer, len(people))
	for i, p := range people {
		ids[i] = p.Customer
	}
	return customers.Names(r.Context(), d.db, r.Print, ids...)
}

func dayOr(r *web.Request, day string) string {
	if day == "" {
		return "–"
	}
	return r.Print.Day(day)
}

// fit says in words how the models fit.
func (p *valuePage) fit(r *web.Request, x *prospects) error {
	term := func(name, value string) { p.Fit = append(p.Fit, kit.Term{Name: name, Value: value}) }
	for _, kind := range []string{scores.Rhythm, scores.Buying, scores.Spending} {
		m := x.model(kind)
		if m.Trouble != "" {
			term(r.T("insights.fit."+kind), r.T("insights.trouble."+m.Trouble, "Customers", r.Print.Int(m.Buyers), "Repeaters", r.Print.Int(m.Repeaters)))
			continue
		}
		said, err := parameters(r, m)
		if err != nil {
			return err
		}
		term(r.T("insights.fit."+kind), r.T("insights.fit.says", "Parameters", said, "LL", r.Print.Decimal(m.LogLikelihood, 2), "Customers", r.Print.Int(m.Customers)))
		if m.Edge {
			p.Says = append(p.Says, r.T("insights.fit.edge", "Model", r.T("insights.fit."+kind)))
		}
	}
	m := x.model(scores.Buying)
	if m.Buyers > 0 && m.Repeaters*20 < m.Buyers {
		p.Says = append(p.Says, r.T("insights.fit.few", "Share", r.Print.Percent(float64(m.Repeaters)/float64(m.Buyers), 1)))
	}
	p.Says = append(p.Says, r.T("insights.fit.trust"))
	return nil
}

// parameters writes the parameters of a model as its paper names them.
func parameters(r *web.Request, m scores.Model) (string, error) {
	switch m.Kind {
	case scores.Buying:
		var x retention.BGNBD
		err := unpack(m.Parameters, &x)
		return r.T("insights.fit.bgnbd.parameters", "R", r.Print.Decimal(x.R, 3), "Alpha", r.Print.Decimal(x.Alpha, 3), "A", r.Print.Decimal(x.A, 3), "B", r.Print.Decimal(x.B, 3)), err
	case scores.Spending:
		var x retention.GammaGamma
		err := unpack(m.Parameters, &x)
		return r.T("insights.fit.gammagamma.parameters", "P", r.Print.Decimal(x.P, 2), "Q", r.Print.Decimal(x.Q, 2), "Gamma", r.Print.Money(amountOf(r, x.Gamma))), err
	}
	var x retention.Rhythm
	err := unpack(m.Parameters, &x)
	return r.T("insights.fit.rhythm.parameters", "K", strconv.Itoa(x.K), "R", r.Print.Decimal(x.R, 3), "Alpha", r.Print.Decimal(x.Alpha, 3), "A", r.Print.Decimal(x.A, 3), "B", r.Print.Decimal(x.B, 3)), err
}

func (d desk) valueFile(w http.ResponseWriter, r *web.Request) error {
	var x prospects
	var slipping []scores.Listed
	if r.URL.Query().Get("show") == "slipping" {
		if err := d.givesOut(r); err != nil {
			return err
		}
		var after scores.SlippingCursor
		for {
			some, err := scores.Slipping(r.Context(), d.db, 1000, after)
			if err != nil {
				return err
			}
			slipping = append(slipping, some...)
			if len(some) < 1000 {
				break
			}
			after = scores.SlippingCursor{Worth: some[999].Worth, Customer: some[999].Customer}
		}
	}
	return d.inquiryFile(w, r, "value", inquiry{Question: valueQuestion, Filter: Standing}, &x, func() sheet {
		switch r.URL.Query().Get("show") {
		case "slipping":
			return peopleSheet(r, slipping)
		case "bands":
			s := sheet{heading: []string{"best_share_up_to", "customers", "least_expected", "expected_value"}}
			for _, b := range x.Bands {
				s.rows = append(s.rows, []string{decimal(b.Share, true), number(b.Customers), moneyCell(r, float64(b.Least)), moneyCell(r, float64(b.Value))})
			}
			return s
		}
		s := sheet{heading: []string{"chance_up_to", "customers", "spent", "expected_value"}}
		for _, c := range x.Chances {
			s.rows = append(s.rows, []string{decimal(c.UpTo, true), number(c.Customers), moneyCell(r, float64(c.Spent)), moneyCell(r, float64(c.Value))})
		}
		return s
	})
}

// givesOut notes that somebody takes a list of customers away.
func (d desk) givesOut(r *web.Request) error {
	return users.AuditExport(r.Context(), d.db, users.Change{By: r.Staff.ID, Action: "customers.exported"})
}

// peopleSheet are customers with their scores.
func peopleSheet(r *web.Request, people []scores.Listed) sheet {
	s := sheet{heading: []string{"customer", "name", "last_day", "due_day", "late", "alive", "expected_value", "worth_if_they_stay"}}
	for _, p := range people {
		row := []string{p.Customer.String(), p.Name, p.LastDay, p.DueDay, yes(p.Late), decimal(p.Alive, p.HasAlive), "", ""}
		if p.HasValue {
			row[6], row[7] = moneyCell(r, float64(p.Value)), moneyCell(r, float64(p.Worth))
		}
		s.rows = append(s.rows, row)
	}
	return s
}
