package insights

import (
	"regulars/internal/measure/retention"
	"regulars/internal/platform/rest"
)

// apiForecast is what is to be expected. Money is in the smallest unit of the
// business's currency.
type apiForecast struct {
	AsOf       string       `json:"as_of" doc:"The last day known"`
	Trouble    string       `json:"trouble" doc:"Why nothing can be expected; empty: horizons say it"`
	Buyers     int64        `json:"buyers"`
	Again      int64        `json:"again" doc:"Of them: bought on two days or more"`
	Unvalued   int64        `json:"unvalued" doc:"Orders that wait for a rate, in no sum"`
	Horizons   []apiHorizon `json:"horizons"`
	YearMinor  int64        `json:"year_minor" doc:"What the last year brought"`
	YearOrders int64        `json:"year_orders"`
	YearWhole  bool         `json:"year_whole" doc:"There was a whole one"`
}

// apiHorizon is what is expected within some days.
type apiHorizon struct {
	Key     string          `json:"key" enum:"month,quarter,year"`
	Days    int32           `json:"days"`
	Alive   float64         `json:"alive" doc:"How many will not have left by then"`
	Orders  retention.Range `json:"orders"`
	Revenue retention.Range `json:"revenue_minor"`
	Tests   []apiBacktest   `json:"tests" doc:"The same forecast made in the past, and what came"`
}

type apiBacktest struct {
	Day         string          `json:"day" doc:"The last one known to it"`
	Orders      retention.Range `json:"orders"`
	Revenue     retention.Range `json:"revenue_minor"`
	CameOrders  int64           `json:"came_orders"`
	CameRevenue int64           `json:"came_revenue_minor"`
}

func (a *ahead) forecast() apiForecast {
	f := apiForecast{AsOf: retention.DayText(a.AsOf), Trouble: a.Trouble, Buyers: a.Buyers, Again: a.Again, Unvalued: a.Unvalued,
		YearMinor: a.YearMinor, YearOrders: a.YearOrders, YearWhole: a.YearWhole}
	if a.Empty {
		f.Trouble = "empty"
	}
	for _, h := range a.Horizons {
		out := apiHorizon{Key: h.Key, Days: h.Days, Alive: h.Alive, Orders: h.Orders, Revenue: h.Revenue}
		for _, t := range h.Tests {
			out.Tests = append(out.Tests, apiBacktest{retention.DayText(t.Day), t.Orders, t.Revenue, t.CameOrders, t.CameRevenue})
		}
		f.Horizons = append(f.Horizons, out)
	}
	return f
}

func (d desk) apiAhead(c *rest.Call, in APIWhose, a *ahead) (answered, bool, error) {
	f, err := in.filter(Filter{By: retention.Month})
	if err != nil {
		return answered{}, false, err
	}
	return d.apiAsk(c, inquiry{Question: aheadQuestion, Filter: f}, a)
}

func (d desk) apiForecast(c *rest.Call, in *struct {
	APIWhose
	rest.Fields[apiKept[apiForecast]]
}) (*rest.One[apiKept[apiForecast]], error) {
	var found ahead
	a, ok, err := d.apiAhead(c, in.APIWhose, &found)
	return soonOr(c, a, ok, found.forecast(), err)
}

// apiMoney is what more retention is worth, and who brings the revenue. Money
// is in the smallest unit of the business's currency.
type apiMoney struct {
	AsOf    string               `json:"as_of"`
	Trouble string               `json:"trouble" doc:"Why nothing can be reckoned; empty: case says it"`
	Case    *retention.MoneyCase `json:"case,omitempty" doc:"Of the year to come"`
	Points  []apiPoint           `json:"points" doc:"What so many points more of retention are worth"`
	Payback *retention.Payback   `json:"payback,omitempty" doc:"Winning against keeping, each less its cost; left out until setCosts told what they cost"`
	Won     int64                `json:"won" doc:"Who bought for the first time within the last year"`
	Top     []apiTop             `json:"top" doc:"What share of the last year's revenue the best customers brought"`
	Most    *apiBringers         `json:"most,omitempty" doc:"Who brought four fifths of it"`
	Gini    float64              `json:"gini" doc:"How unevenly: 0 all alike, 1 one alone"`
}

type apiPoint struct {
	Points int64   `json:"points"`
	Had    float64 `json:"had_minor" doc:"Of the customers already had"`
	Won    float64 `json:"won_minor" doc:"Of those to be won"`
	Total  float64 `json:"total_minor"`
	Each   float64 `json:"each_minor" doc:"For each customer: at most this may be spent on each"`
}

type apiTop struct {
	Share  float64 `json:"share" doc:"Of the customers"`
	Brings float64 `json:"brings" doc:"Share of the revenue"`
}

type apiBringers struct {
	Customers int64   `json:"customers"`
	Of        float64 `json:"of" doc:"The share of all customers that they are"`
	All       int64   `json:"all"`
}

func (a *ahead) money(c Costs) apiMoney {
	m := apiMoney{AsOf: retention.DayText(a.AsOf), Trouble: a.Trouble, Case: a.Case, Won: a.Won, Gini: a.Gini}
	if a.Empty {
		m.Trouble = "empty"
	}
	for _, t := range a.Top {
		m.Top = append(m.Top, apiTop(t))
	}
	if a.Most != nil {
		most := apiBringers(*a.Most)
		m.Most = &most
	}
	if a.Case == nil {
		return m
	}
	for _, n := range casePoints {
		p := a.Case.Point(n)
		m.Points = append(m.Points, apiPoint{int64(n), p.HadMinor, p.WonMinor, p.TotalMinor(), p.EachMinor})
	}
	if c.WinMinor != 0 && c.KeepMinor != 0 && c.Margin != 0 {
		p := a.Case.Payback(float64(c.WinMinor), float64(c.KeepMinor), float64(c.Margin)/1000)
		m.Payback = &p
	}
	return m
}

func (d desk) apiMoney(c *rest.Call, in *struct {
	APIWhose
	rest.Fields[apiKept[apiMoney]]
}) (*rest.One[apiKept[apiMoney]], error) {
	costs, err := LoadCosts(c.Context(), d.db)
	if err != nil {
		return nil, err
	}
	var found ahead
	a, ok, err := d.apiAhead(c, in.APIWhose, &found)
	return soonOr(c, a, ok, found.money(costs), err)
}

// apiWorth is what the scores of all customers come to. Money is in the
// smallest unit of the business's currency.
type apiWorth struct {
	AsOf     string      `json:"as_of" doc:"Empty: nobody is scored yet"`
	Judged   int64       `json:"judged" doc:"Customers of whom it can be said whether they stay"`
	Alive    float64     `json:"alive" doc:"How many of them are expected to be customers still"`
	Chances  []apiChance `json:"chances" doc:"Customers by their chance to be customers still"`
	Valued   int64       `json:"valued" doc:"Customers of whom it can be said what they bring"`
	Value    int64       `json:"value_minor" doc:"What they are expected to bring within a year"`
	Bands    []apiBand   `json:"bands" doc:"From the top, by what they are expected to bring"`
	Slipping int64       `json:"slipping"`
	Worth    int64       `json:"worth_minor" doc:"What those who slip away would bring if they stayed"`
	Due      []apiDue    `json:"due" doc:"The next 30 days"`
	Overdue  int64       `json:"overdue" doc:"Their day has passed, and they are not late for themselves yet"`
	Late     int64       `json:"late"`
	Whenever int64       `json:"whenever" doc:"Due later, or nobody can say"`
}

type apiChance struct {
	UpTo      float64 `json:"up_to"`
	Customers int64   `json:"customers"`
	Spent     int64   `json:"spent_minor" doc:"So far"`
	Value     int64   `json:"value_minor" doc:"Expected"`
}

type apiBand struct {
	Share     float64 `json:"share" doc:"Of the customers, from the top"`
	Customers int64   `json:"customers"`
	Value     int64   `json:"value_minor"`
	Least     int64   `json:"least_minor" doc:"Of one of them"`
}

type apiDue struct {
	Day       string `json:"day"`
	Customers int64  `json:"customers"`
	Value     int64  `json:"value_minor" doc:"What they are expected to bring within a year"`
}

func (p *prospects) api() apiWorth {
	v := apiWorth{AsOf: p.AsOf, Judged: p.Judged, Alive: p.Alive, Valued: p.Valued, Value: p.Value, Slipping: p.Slipping, Worth: p.Worth,
		Overdue: p.Overdue, Late: p.Late, Whenever: p.Whenever}
	for _, x := range p.Chances {
		v.Chances = append(v.Chances, apiChance(x))
	}
	for _, x := range p.Bands {
		v.Bands = append(v.Bands, apiBand(x))
	}
	for _, x := range p.Due {
		v.Due = append(v.Due, apiDue(x))
	}
	return v
}

func (d desk) apiValue(c *rest.Call, _ *struct{ rest.Fields[apiKept[apiWorth]] }) (*rest.One[apiKept[apiWorth]], error) {
	var found prospects
	a, ok, err := d.apiAsk(c, inquiry{Question: valueQuestion, Filter: Standing}, &found)
	return soonOr(c, a, ok, found.api(), err)
}

// apiMoved is what changed from one period to another.
type apiMoved struct {
	AsOf   string      `json:"as_of"`
	Before apiCompared `json:"before"`
	After  apiCompared `json:"after"`
	Asked  int         `json:"asked" doc:"Groups that were tested"`
	Told   []apiMove   `json:"told" doc:"Groups whose change stands out from chance, by figure, the largest first"`
	Odd    []apiMove   `json:"odd" doc:"Groups whose orders come back, or are cancelled, otherwise than the rest"`
}

type apiCompared struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Revenue   int64  `json:"revenue_minor"`
	Orders    int64  `json:"orders"`
	Customers int64  `json:"customers"`
	Again     int64  `json:"again" doc:"Bought twice or more in it"`
	Cancelled int64  `json:"cancelled"`
	Refunded  int64  `json:"refunded"`
}

type apiMove struct {
	Figure string  `json:"figure" enum:"revenue,repeat,refund,cancel"`
	By     string  `json:"by" enum:"product,category,channel,country,staff,promise,discount" doc:"What it was grouped by"`
	Label  string  `json:"label" doc:"The group: the id of a product or category, or a name"`
	Before float64 `json:"before" doc:"Its rate, or its revenue"`
	After  float64 `json:"after"`
	Change float64 `json:"change" doc:"Its part of the whole change"`
	Chance float64 `json:"chance" doc:"That it is nothing but chance"`
}

func shownMove(m move) apiMove {
	return apiMove{m.Figure, m.By, m.Label, m.Cause.Before, m.Cause.After, m.Change, m.P}
}

func (m *moves) api() apiMoved {
	compared := func(span retention.Span, s sum) apiCompared {
		return apiCompared{retention.DayText(span.From), retention.DayText(span.To), s.RevenueMinor, s.Orders, s.Customers, s.Again, s.Cancelled, s.Refunded}
	}
	a := apiMoved{AsOf: retention.DayText(m.AsOf), Before: compared(m.Before, m.Sums[0]), After: compared(m.After, m.Sums[1]), Asked: m.Asked}
	for _, t := range m.Told {
		a.Told = append(a.Told, shownMove(t))
	}
	for _, t := range m.Odd {
		a.Odd = append(a.Odd, shownMove(t))
	}
	return a
}

type apiMovedInput struct {
	Compare string `query:"compare" enum:"quarter,month,days90,year" default:"quarter" doc:"Which two periods: the last quarter or month with that of a year ago, the last 90 days or year with those before"`
	rest.Fields[apiKept[apiMoved]]
}

func (d desk) apiMoved(c *rest.Call, in *apiMovedInput) (*rest.One[apiKept[apiMoved]], error) {
	var found moves
	a, ok, err := d.apiAsk(c, moving(in.Compare), &found)
	return soonOr(c, a, ok, found.api(), err)
}
