package insights

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type moneyPage struct {
	frame
	Nothing *kit.Empty
	Stats   []kit.Stat
	Points  kit.Table
	How     []string
	Form    *web.Form // nil for who may not save
	Action  string
	Payback []kit.Stat // winning against keeping
	Pays    string     // the same in a sentence
	Goal    []string
	Top     kit.Table
	Most    string // who brings four fifths
	Best    string // the list of those who spent most
}

func (d desk) money(w http.ResponseWriter, r *web.Request) error {
	c, err := LoadCosts(r.Context(), d.db)
	if err != nil {
		return err
	}
	f := r.NewForm()
	fillCosts(r, f, c)
	return d.showMoney(w, r, c, f, http.StatusOK)
}

func fillCosts(r *web.Request, f *web.Form, c Costs) {
	set := func(name, value string, entered int64) {
		if entered != 0 {
			f.Set(name, value)
		}
	}
	amount := func(minor int64) string { return money.Amount{Minor: minor, Currency: r.Shop.Currency}.Decimal() }
	milli := func(n int64) string { return strconv.FormatFloat(float64(n)/10, 'f', -1, 64) }
	set("win", amount(c.WinMinor), c.WinMinor)
	set("keep", amount(c.KeepMinor), c.KeepMinor)
	set("margin", milli(c.Margin), c.Margin)
	set("growth", milli(c.Growth), c.Growth)
}

func (d desk) saveMoney(w http.ResponseWriter, r *web.Request) error {
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	c := Costs{WinMinor: f.Money("win", r.Shop.Currency).Minor, KeepMinor: f.Money("keep", r.Shop.Currency).Minor,
		Margin: round(f.Decimal("margin", 0, 100) * 10), Growth: round(f.Decimal("growth", 0, 1000) * 10)}
	if !f.OK() {
		was, err := LoadCosts(r.Context(), d.db)
		if err != nil {
			return err
		}
		return d.showMoney(w, r, was, f, http.StatusUnprocessableEntity)
	}
	err = d.db.Tx(r.Context(), func(tx *store.Tx) error {
		was, err := LoadCosts(r.Context(), tx)
		if err != nil {
			return err
		}
		if err := SaveCosts(r.Context(), tx, c); err != nil {
			return err
		}
		return auditCosts(r.Context(), tx, r.Staff.ID, was, c)
	})
	if err != nil {
		return err
	}
	r.Flash(w, "good", r.T("insights.case.saved"))
	return r.Redirect(w, kit.With("/insights/money", r.URL.Query()))
}

func (d desk) showMoney(w http.ResponseWriter, r *web.Request, c Costs, f *web.Form, status int) error {
	var a ahead
	frame, ok, err := d.lookingAhead(r, "money", &a)
	if err != nil {
		return err
	}
	p := moneyPage{frame: frame, Action: kit.With(r.Href("/insights/money"), r.URL.Query())}
	if r.Can(web.Manager) {
		p.Form = f
	}
	if ok {
		p.fill(r, &a, c)
	}
	return r.RenderStatus(w, status, "insights/money.html", p)
}

func (p *moneyPage) fill(r *web.Request, a *ahead, c Costs) {
	p.concentration(r, a)
	if a.Trouble != "" || a.Case == nil {
		key := a.Trouble
		if key == "" {
			key = "no_convergence"
		}
		none := trouble(r, key, a.Buyers, a.Again)
		p.Nothing = &none
		return
	}
	m := *a.Case
	for _, n := range []float64{1, 5} {
		x := m.Point(n)
		p.Stats = append(p.Stats, kit.Stat{Label: r.Print.N("insights.case.points", int(n)), Value: whole(r, round(x.TotalMinor())),
			Note:    r.T("insights.case.each", "Each", r.Print.Money(amountOf(r, x.EachMinor))),
			Explain: r.T("insights.case.points.how", "Customers", r.Print.Int(m.Customers), "Back", whole(r, round(m.BackMinor)), "Had", whole(r, round(x.HadMinor)), "Won", r.Print.Decimal(m.Won, 0), "WonWorth", whole(r, round(x.WonMinor)))})
	}
	p.Stats = append(p.Stats,
		kit.Stat{Label: r.T("insights.case.return"), Value: r.Print.Percent(m.Return, 1), Note: r.T("insights.case.return.note", "Customers", r.Print.Int(m.Customers)), Explain: r.T("insights.case.return.how")},
		kit.Stat{Label: r.T("insights.case.new"), Value: whole(r, round(m.FirstMinor+m.NewMinor)), Explain: r.T("insights.case.new.how"),
			Note: r.T("insights.case.new.note", "First", whole(r, round(m.FirstMinor)), "More", whole(r, round(m.NewMinor)))})
	p.Points = pointTable(r, m)
	p.How = []string{r.T("insights.case.how"), r.T("insights.case.how.limits")}
	p.payback(r, m, c)
	p.Goal = goalText(r, a, c)
}

func amountOf(r *web.Request, minor float64) money.Amount {
	return money.Amount{Minor: round(minor), Currency: r.Shop.Currency}
}

// casePoints are the points of retention that a worth is given for.
var casePoints = []float64{1, 2, 3, 5, 10}

func pointTable(r *web.Request, m retention.MoneyCase) kit.Table {
	t := kit.Table{ID: "points", Caption: r.T("insights.case.table"), First: true, Dense: true, Export: kit.With(r.Href("/insights/money/export"), r.URL.Query()),
		Columns: []kit.Column{{Key: "points", Title: r.T("insights.case.column.points")}, {Key: "had", Title: r.T("insights.case.column.had"), Number: true},
			{Key: "won", Title: r.T("insights.case.column.won"), Number: true}, {Key: "total", Title: r.T("insights.case.column.total"), Number: true},
			{Key: "each", Title: r.T("insights.case.column.each"), Number: true, Explain: r.T("insights.case.column.each.how")}}}
	for _, n := range casePoints {
		x := m.Point(n)
		t.Rows = append(t.Rows, kit.Row{Cells: []any{"+" + r.Print.Decimal(n, 0), whole(r, round(x.HadMinor)), whole(r, round(x.WonMinor)),
			whole(r, round(x.TotalMinor())), r.Print.Money(amountOf(r, x.EachMinor))}})
	}
	return t
}

// payback holds winning against keeping, where what they cost was entered.
func (p *moneyPage) payback(r *web.Request, m retention.MoneyCase, c Costs) {
	if c.WinMinor == 0 || c.KeepMinor == 0 || c.Margin == 0 {
		p.Pays = r.T("insights.case.enter")
		return
	}
	margin := float64(c.Margin) / 1000
	x := m.Payback(float64(c.WinMinor), float64(c.KeepMinor), margin)
	stat := func(key string, left float64, brings, cost float64) {
		p.Payback = append(p.Payback, kit.Stat{Label: r.T("insights.case." + key), Value: r.Print.Money(amountOf(r, left)),
			Note:    r.T("insights.case.less", "Brings", r.Print.Money(amountOf(r, margin*brings)), "Cost", r.Print.Money(amountOf(r, cost))),
			Explain: r.T("insights.case." + key + ".how")})
	}
	stat("win", x.WinMinor, m.FirstMinor+m.NewMinor, float64(c.WinMinor))
	stat("keep", x.KeepMinor, m.BackMinor, float64(c.KeepMinor))
	keeps, wins := x.KeepMinor/float64(c.KeepMinor), x.WinMinor/float64(c.WinMinor)
	key := "keep"
	switch {
	case keeps <= 0 && wins <= 0:
		key = "neither"
	case wins > keeps:
		key = "win"
	}
	one := money.Amount{Minor: int64(math.Pow10(r.Shop.Currency.Exponent())), Currency: r.Shop.Currency}
	p.Pays = r.T("insights.case.pays."+key, "One", r.Print.Money(one), "Keep", r.Print.Money(amountOf(r, keeps*float64(one.Minor))),
		"Win", r.Print.Money(amountOf(r, wins*float64(one.Minor))))
}

// goalText is the growth wanted against what is to be expected, in sentences.
func goalText(r *web.Request, a *ahead, c Costs) []string {
	if !a.YearWhole {
		return []string{r.T("insights.case.goal.young", "Day", r.Print.Day(retention.DayText(a.First)))}
	}
	comes := a.year().Revenue
	had := r.T("insights.case.goal.had", "Year", whole(r, a.YearMinor), "Expected", whole(r, round(comes.Expected)),
		"Low", whole(r, round(comes.Low90)), "High", whole(r, round(comes.High90)))
	g := a.goal(c)
	if g == nil {
		return []string{had, r.T("insights.case.goal.nobody")}
	}
	said := []string{had}
	args := []any{"Goal", whole(r, round(g.Goal)), "Growth", r.Print.Percent(float64(c.Growth)/1000, 1), "Each", whole(r, round(g.Each)), "Won", r.Print.Int(a.Won)}
	key := "needed"
	if c.Growth == 0 {
		key = "hold"
	}
	switch {
	case g.Needed == nil:
		return append(said, r.T("insights.case.goal.never", args...))
	case *g.Needed == 0:
		return append(said, r.T("insights.case.goal.reached", args...))
	}
	said = append(said, r.T("insights.case.goal."+key, append(args, "Needed", r.Print.Int(round(*g.Needed)))...))
	if g.Cost != nil {
		said = append(said, r.T("insights.case.goal.cost", "Cost", whole(r, round(*g.Cost))))
	}
	return said
}

// concentration is who brought the last year's revenue.
func (p *moneyPage) concentration(r *web.Request, a *ahead) {
	if a.Most == nil {
		return
	}
	p.Most = r.T("insights.case.most", "Customers", r.Print.N("insights.case.customers", int(a.Most.Customers)), "Share", r.Print.Percent(a.Most.Of, 1),
		"All", r.Print.Int(a.Most.All), "Gini", r.Print.Decimal(a.Gini, 2))
	p.Best = kit.With(r.Href("/customers"), url.Values{"sort": {"spend"}, "desc": {"1"}})
	p.Top = kit.Table{ID: "top", Caption: r.T("insights.case.top"), First: true, Dense: true,
		Columns: []kit.Column{{Key: "share", Title: r.T("insights.case.top.share")}, {Key: "brings", Title: r.T("insights.case.top.brings"), Number: true}}}
	for _, x := range a.Top {
		p.Top.Rows = append(p.Top.Rows, kit.Row{Cells: []any{r.T("insights.case.top.best", "Share", r.Print.Percent(x.Share, 0)), r.Print.Percent(x.Brings, 1)}})
	}
}

func (d desk) moneyFile(w http.ResponseWriter, r *web.Request) error {
	var a ahead
	return d.inquiryFile(w, r, "money", aheadOf(r), &a, func() sheet {
		s := sheet{heading: []string{"points", "customers_had", "customers_won", "total", "each_customer"}}
		if a.Case == nil {
			return s
		}
		for _, n := range casePoints {
			x := a.Case.Point(n)
			s.rows = append(s.rows, []string{decimal(n, true), moneyCell(r, x.HadMinor), moneyCell(r, x.WonMinor), moneyCell(r, x.TotalMinor()), moneyCell(r, x.EachMinor)})
		}
		return s
	})
}

// auditCosts notes what staff entered of their costs.
func auditCosts(ctx context.Context, tx *store.Tx, by id.User, was, c Costs) error {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	return users.Audit(ctx, tx, users.Change{By: by, Action: "insights.costs_changed", Values: users.Changed(
		"win_minor", number(was.WinMinor), number(c.WinMinor), "keep_minor", number(was.KeepMinor), number(c.KeepMinor),
		"margin", number(was.Margin), number(c.Margin), "growth", number(was.Growth), number(c.Growth))})
}
