package insights

import (
	"net/http"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// contractsPart is what the page of retention shows of contracts, where there
// are any.
type contractsPart struct {
	Says  string // instead of the figures
	Span  string
	Stats []kit.Stat
	Terms []kit.Term
	Notes []string
	Chart kit.Chart
	Table kit.Table
	Short bool

	Renewing     string // of which contracts
	RenewingNote string
	Trouble      *kit.Empty
	Expected     []kit.Stat
	Ages         kit.Table
}

// contractsAsked asks what is paid under contract. What orders are filtered by
// beside days and country is nothing to a contract.
func contractsAsked(f Filter) inquiry {
	return inquiry{Question: contractsQuestion, Filter: Filter{From: f.From, To: f.To, Country: f.Country, By: f.By}}
}

// contracts fills in the part of contracts, or leaves it out where nobody has
// one.
func (d desk) contracts(r *web.Request, p *retentionPage) error {
	var any bool
	if err := d.db.QueryRow(r.Context(), `select exists (select 1 from subscriptions)`).Scan(&any); err != nil || !any {
		return err
	}
	p.Contracts = &contractsPart{}
	if p.F.Channel != "" || p.F.Category != 0 {
		p.Contracts.Says = r.T("insights.contracts.filtered")
		return nil
	}
	var c contracts
	i := contractsAsked(p.F)
	found, ok, err := d.seek(r, i, &c, patience.page)
	if err != nil {
		return err
	}
	if (!ok || !found.Fresh) && p.Wait == nil {
		if err := d.wait(r, &p.frame); err != nil {
			return err
		}
	}
	switch {
	case !ok:
		p.Contracts.Says = r.T("insights.computing")
	case c.Empty:
		p.Contracts.Says = r.T("insights.contracts.none")
	default:
		p.Contracts.fill(r, &c)
	}
	return nil
}

func (p *contractsPart) fill(r *web.Request, c *contracts) {
	of := c.Period
	p.Span, p.Short = spanText(r, of.Span), c.Shortened
	rate := func(key string, v func() (float64, bool), pairs ...any) {
		p.Stats = append(p.Stats, kit.Stat{Label: r.T("insights.contracts." + key), Value: share(r, v), Note: r.T("insights.contracts."+key+".note", pairs...),
			Explain: r.T("insights.contracts." + key + ".how")})
	}
	kept := of.StartMinor - of.LostMinor - of.ContractedMinor
	rate("logo", of.Logo, "Kept", r.Print.Int(of.Contracts.Customers-of.Lost), "All", r.Print.Int(of.Contracts.Customers))
	rate("gross", of.Gross, "Kept", whole(r, kept), "All", whole(r, of.StartMinor))
	rate("net", of.Net, "Kept", whole(r, kept+of.ExpandedMinor), "All", whole(r, of.StartMinor))
	p.Stats = append(p.Stats, kit.Stat{Label: r.T("insights.contracts.now"), Value: whole(r, c.Monthly), Note: r.Print.N("insights.contracts.now.note", int(c.Customers)),
		Explain: r.T("insights.contracts.now.how")})
	eve, end := r.Print.Day(retention.DayText(of.Span.From-1)), r.Print.Day(retention.DayText(of.Span.To))
	term := func(key, value string, pairs ...any) {
		p.Terms = append(p.Terms, kit.Term{Name: r.T("insights.contracts.term."+key, pairs...), Value: value})
	}
	term("customers", r.Print.Int(of.Contracts.Customers), "Day", eve)
	term("lost", r.Print.Int(of.Lost), "Day", end)
	if of.Paused > 0 {
		term("paused", r.Print.Int(of.Paused))
	}
	term("new", r.Print.Int(of.New))
	term("start-minor", whole(r, of.StartMinor), "Day", eve)
	term("lost-minor", whole(r, -of.LostMinor))
	term("contracted-minor", whole(r, -of.ContractedMinor))
	term("expanded-minor", whole(r, of.ExpandedMinor))
	term("new-minor", whole(r, of.NewMinor))
	if of.Contracts.Customers == 0 {
		p.Notes = append(p.Notes, r.T("insights.contracts.nobody", "Day", r.Print.Day(retention.DayText(of.Span.From))))
	}
	if of.Unvalued > 0 {
		p.Notes = append(p.Notes, r.Print.N("insights.contracts.unvalued", int(of.Unvalued)))
	}
	p.Chart, p.Table = contractsChart(r, c), contractsTable(r, c)
	p.renewals(r, &c.Renewing)
}

// contractRates are the three rates of a period, in the order in which they
// are shown.
func contractRates(p *contractPeriod) []func() (float64, bool) {
	return []func() (float64, bool){p.Logo, p.Gross, p.Net}
}

var contractRateKeys = []string{"logo", "gross", "net"}

func contractsExport(r *web.Request) string {
	return kit.With(r.Href("/insights/retention/contracts/export"), r.URL.Query())
}

// contractsChart is the three rates by period, of those that are over.
func contractsChart(r *web.Request, c *contracts) kit.Chart {
	chart := kit.Chart{ID: "contracts", Title: r.T("insights.contracts.by." + c.By.String()), Period: r.T("insights.by." + c.By.String()), Fit: true,
		Axis: percentAxis(r), Export: contractsExport(r), Empty: r.T("insights.contracts.short"), Desc: r.T("insights.contracts.desc")}
	lines := make([]kit.Series, len(contractRateKeys))
	for i, key := range contractRateKeys {
		lines[i].Name = r.T("insights.contracts." + key)
	}
	for i := range c.Periods {
		p := &c.Periods[i]
		if p.Running || p.Contracts.Customers == 0 && len(chart.Labels) == 0 {
			continue
		}
		chart.Labels = append(chart.Labels, periodText(r, c.By, c.By.PeriodOf(p.Span.From)))
		for k, v := range contractRates(p) {
			x := known(v())
			lines[k].Values = append(lines[k].Values, x)
			lines[k].Texts = append(lines[k].Texts, r.Print.Percent(x, 1))
		}
	}
	if len(chart.Labels) > 0 {
		chart.Series = lines
	}
	return chart
}

// contractsTable is what the rates are made of, the newest period first.
func contractsTable(r *web.Request, c *contracts) kit.Table {
	t := kit.Table{ID: "contracts-table", Caption: r.T("insights.contracts.numbers"), First: true, Dense: true, Export: contractsExport(r),
		Columns: []kit.Column{{Key: "period", Title: r.T("insights.by." + c.By.String())}}}
	for _, key := range []string{"customers", "lost", "new", "start", "lost-minor", "less", "more", "logo", "gross", "net"} {
		t.Columns = append(t.Columns, kit.Column{Key: key, Title: r.T("insights.contracts.column." + key), Number: true})
	}
	for i := len(c.Periods) - 1; i >= 0; i-- {
		p := &c.Periods[i]
		name := periodText(r, c.By, c.By.PeriodOf(p.Span.From))
		if p.Running {
			name = r.T("insights.money.running", "Period", name)
		}
		row := kit.Row{Cells: []any{name, r.Print.Int(p.Contracts.Customers), r.Print.Int(p.Lost), r.Print.Int(p.New), whole(r, p.StartMinor), whole(r, p.LostMinor),
			whole(r, p.ContractedMinor), whole(r, p.ExpandedMinor)}}
		for _, v := range contractRates(p) {
			row.Cells = append(row.Cells, share(r, v))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// renewals says what is to be expected of the contracts that run.
func (p *contractsPart) renewals(r *web.Request, x *renewing) {
	p.Renewing = r.T("insights.renewing.of", "Period", r.Print.N("insights.renewing."+x.Unit, int(x.Every)), "Contracts", r.Print.Int(x.Contracts), "Ended", r.Print.Int(x.Ended))
	if x.Others > 0 {
		p.RenewingNote = r.Print.N("insights.renewing.others", int(x.Others))
	}
	if x.Trouble != "" {
		p.Trouble = &kit.Empty{Icon: "hourglass", Title: r.T("insights.trouble.title"), Text: r.T("insights.renewing.trouble."+x.Trouble, "Contracts", r.Print.Int(x.Contracts))}
		return
	}
	running := x.Contracts - x.Ended
	p.Expected = []kit.Stat{
		{Label: r.T("insights.renewing.expected"), Value: r.Print.Int(round(x.Expected)),
			Note:    r.T("insights.renewing.expected.note", "Due", r.Print.Int(x.Due), "Running", r.Print.Int(running)),
			Explain: r.T("insights.renewing.expected.how")},
		{Label: r.T("insights.renewing.brings"), Value: whole(r, x.Minor), Note: r.T("insights.renewing.brings.note"), Explain: r.T("insights.renewing.brings.how")},
	}
	if x.Unvalued > 0 {
		p.Expected[1].Note = r.Print.N("insights.renewing.unvalued", int(x.Unvalued))
	}
	p.Ages = kit.Table{ID: "ages", Caption: r.T("insights.renewing.ages"), First: true, Dense: true, Columns: []kit.Column{
		{Key: "renewed", Title: r.T("insights.renewing.renewed")}, {Key: "running", Title: r.T("insights.renewing.running"), Number: true},
		{Key: "next", Title: r.T("insights.renewing.next"), Number: true}, {Key: "left", Title: r.T("insights.renewing.left"), Number: true}}}
	for _, a := range x.Ages {
		if a.Running == 0 {
			continue
		}
		p.Ages.Rows = append(p.Ages.Rows, kit.Row{Cells: []any{ageText(r, a), r.Print.Int(a.Running), r.Print.Percent(a.Next, 1),
			r.T("insights.renewing.of-due", "Left", r.Print.Decimal(a.Left, 1), "Due", r.Print.Int(int64(x.Horizon)))}})
	}
}

// ageText says how often the contracts of a row were renewed.
func ageText(r *web.Request, a age) string {
	switch {
	case a.From == 0:
		return r.T("insights.renewing.never")
	case a.To == 0:
		return r.T("insights.renewing.more", "From", r.Print.Int(int64(a.From)))
	case a.To > a.From:
		return r.T("insights.renewing.range", "From", r.Print.Int(int64(a.From)), "To", r.Print.Int(int64(a.To)))
	}
	return r.Print.N("insights.renewing.times", a.From)
}

// contractsFile answers with the numbers of each period.
func (d desk) contractsFile(w http.ResponseWriter, r *web.Request) error {
	var c contracts
	return d.inquiryFile(w, r, "contracts", contractsAsked(readFilter(r.URL.Query())), &c, func() sheet {
		s := sheet{heading: []string{"period", "from", "to", "customers", "lost", "paused", "new", "start_revenue", "lost_revenue", "contracted_revenue", "expanded_revenue",
			"new_revenue", "logo_retention", "gross_retention", "net_retention", "without_rate", "running"}}
		for i := range c.Periods {
			p := &c.Periods[i]
			m := func(minor int64) string { return moneyCell(r, float64(minor)) }
			row := []string{c.By.Label(c.By.PeriodOf(p.Span.From)), retention.DayText(p.Span.From), retention.DayText(p.Span.To), number(p.Contracts.Customers), number(p.Lost),
				number(p.Paused), number(p.New), m(p.StartMinor), m(p.LostMinor), m(p.ContractedMinor), m(p.ExpandedMinor), m(p.NewMinor)}
			for _, v := range contractRates(p) {
				x, ok := v()
				row = append(row, decimal(x, ok))
			}
			s.rows = append(s.rows, append(row, number(p.Unvalued), yes(p.Running)))
		}
		return s
	})
}
