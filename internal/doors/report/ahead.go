package report

import (
	"strings"

	"regulars/internal/platform/web/kit"
)

// trouble says why nothing can be said about what comes.
func (w writer) trouble(t *Trouble) Note {
	return Note{kit.Warn, w.T("report.trouble."+t.Key, "Customers", w.Int(t.Customers), "Repeaters", w.Int(t.Repeaters))}
}

func (w writer) followUp() (Section, bool) {
	s := w.section("slipping")
	up := w.r.FollowUp
	if up == nil {
		if w.r.Trouble == nil {
			return s, false
		}
		s.Notes = []Note{w.trouble(w.r.Trouble), {kit.Plain, w.T("report.trouble.still")}}
		return s, true
	}
	if up.Slipping == 0 {
		s.Notes = []Note{{kit.Plain, w.T("report.slipping.none")}}
		return s, true
	}
	s.Lead = w.T("report.slipping.lead", "Customers", w.N("report.customers", int(up.Slipping)), "Brought", w.whole(float64(up.SlippingMinor)), "Stake", w.whole(up.AtStakeMinor))
	t := w.table("report.slipping.table", "report.col.customer", "report.col.last", "report.col.orders", "report.col.brought", "report.col.due", "report.col.alive", "report.col.stake")
	for _, c := range up.List {
		due := "–"
		if c.Due != "" {
			due = w.Day(c.Due)
		}
		row(&t, c.Customer, w.Day(c.LastDay), w.Int(c.Orders), w.whole(float64(c.RevenueMinor)), due, w.shareTo(c.Alive, 0), w.whole(value(c.AtStake)))
	}
	if len(t.Rows) > 0 {
		s.Tables = append(s.Tables, t)
	}
	return s, true
}

func (w writer) due() (Section, bool) {
	s := w.section("due")
	up := w.r.FollowUp
	if up == nil || len(up.Due) == 0 {
		return s, false
	}
	t := w.table("report.due.table", "report.col.when", "report.col.customers", "report.col.expected")
	for _, d := range up.Due {
		row(&t, w.T("report.due."+d.State), w.Int(d.Customers), w.whole(d.YearMinor))
	}
	s.Tables = append(s.Tables, t)
	return s, true
}

func (w writer) forecast() (Section, bool) {
	s := w.section("forecast")
	if len(w.r.Forecast) == 0 {
		return s, false
	}
	money := w.table("report.forecast.revenue", "report.col.next", "report.col.expected", "report.col.half", "report.col.ninety")
	orders := w.table("report.forecast.orders", "report.col.next", "report.col.expected", "report.col.half", "report.col.ninety")
	tests := 0
	for _, f := range w.r.Forecast {
		name, m, o := w.T("report.next."+f.Name), f.Revenue, f.Orders
		row(&money, name, w.whole(m.Expected), w.whole(m.Low50)+" – "+w.whole(m.High50), w.whole(m.Low90)+" – "+w.whole(m.High90))
		row(&orders, name, w.Decimal(o.Expected, 0), w.Decimal(o.Low50, 0)+" – "+w.Decimal(o.High50, 0), w.Decimal(o.Low90, 0)+" – "+w.Decimal(o.High90, 0))
		tests = f.Tests
	}
	s.Tables = append(s.Tables, money, orders)
	if tests == 0 {
		s.Notes = append(s.Notes, Note{kit.Plain, w.T("report.forecast.untested")})
	} else {
		s.Notes = append(s.Notes, Note{kit.Plain, w.N("report.forecast.tested", tests)})
	}
	return s, true
}

func (w writer) backtest() (Section, bool) {
	s := w.section("backtest")
	b := w.r.Backtest
	if b == nil {
		return s, false
	}
	if len(b.Tests) == 0 {
		s.Notes = []Note{{kit.Plain, w.T("report.backtest.none")}}
		return s, true
	}
	n := len(b.Tests)
	s.Lead = w.N("report.backtest.lead", n, "Orders50", w.Int(int64(b.Orders50)), "Orders90", w.Int(int64(b.Orders90)), "Revenue50", w.Int(int64(b.Revenue50)), "Revenue90", w.Int(int64(b.Revenue90)))
	t := w.table("report.backtest.table", "report.col.from", "report.col.expected", "report.col.ninety", "report.col.came", "report.col.within")
	for _, c := range b.Tests {
		in := w.T("report.no")
		if c.RevenueIn90 {
			in = w.T("report.yes")
		}
		row(&t, w.Day(c.Day), w.whole(c.Revenue.Expected), w.whole(c.Revenue.Low90)+" – "+w.whole(c.Revenue.High90), w.whole(float64(c.CameRevenue)), in)
	}
	s.Tables = append(s.Tables, t)
	return s, true
}

func (w writer) money() (Section, bool) {
	s := w.section("money")
	m := w.r.Money
	if m == nil {
		return s, false
	}
	s.Lead = w.T("report.money.lead", "Return", w.Percent(m.Return, 1), "Had", w.whole(m.HadMinor), "Won", w.Decimal(m.Won, 0), "WonMinor", w.whole(m.WonMinor))
	for i, p := range m.Points {
		key := []string{"report.money.one", "report.money.five"}[i]
		s.Stats = append(s.Stats, kit.Stat{Label: w.T(key), Value: w.whole(p.TotalMinor()), Note: w.T("report.money.each", "Each", w.amount(int64(p.EachMinor)))})
	}
	s.Stats = append(s.Stats,
		kit.Stat{Label: w.T("report.money.back"), Value: w.whole(m.BackMinor), Note: w.T("report.money.back.note")},
		kit.Stat{Label: w.T("report.money.new"), Value: w.whole(m.FirstMinor + m.NewMinor), Note: w.T("report.money.new.note", "First", w.whole(m.FirstMinor))})
	return s, true
}

func (w writer) models() (Section, bool) {
	s := w.section("models")
	t := w.table("report.models.table", "report.col.model", "report.col.parameters", "report.col.likelihood")
	t.Columns[1].Number = false
	for _, m := range w.r.Models {
		if m.Trouble != nil {
			row(&t, m.Name, w.trouble(m.Trouble).Text, "–")
			continue
		}
		var parts []string
		for _, p := range m.order {
			digits := 4
			if p == "k" {
				digits = 0
			}
			parts = append(parts, p+" "+w.Decimal(m.Parameters[p], digits))
		}
		text := strings.Join(parts, "   ")
		if m.Edge {
			text += " (" + w.T("report.models.edge") + ")"
		}
		row(&t, m.Name, text, w.Decimal(m.LogLikelihood, 2))
	}
	s.Tables = append(s.Tables, t)
	return s, len(t.Rows) > 0
}
