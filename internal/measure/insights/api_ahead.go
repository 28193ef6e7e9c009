package insights

import (
	"regulars/internal/measure/retention"
	"regulars/internal/platform/rest"
)

func (d desk) apiAhead(c *rest.Call, in APIWhose, a *ahead) (answered, bool, error) {
	f, err := in.filter(Filter{By: retention.Month})
	if err != nil {
		return answered{}, false, err
	}
	return d.apiAsk(c, inquiry{Question: aheadQuestion, Filter: f}, a)
}

func (d desk) apiForecast(c *rest.Call, in *struct {
	APIWhose
	rest.Fields[apiKept[Forecast]]
}) (*rest.One[apiKept[Forecast]], error) {
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
	Goal    *Goal                `json:"goal,omitempty" doc:"The growth wanted against what is to be expected; left out without a whole year behind, or when nobody was won in it"`
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
	m := apiMoney{AsOf: retention.DayText(a.AsOf), Trouble: a.Trouble, Case: a.Case, Goal: a.goal(c), Won: a.Won, Gini: a.Gini}
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

type apiMovedInput struct {
	Compare string `query:"compare" enum:"quarter,month,days90,year" default:"quarter" doc:"Which two periods: the last quarter or month with that of a year ago, the last 90 days or year with those before"`
	rest.Fields[apiKept[Moved]]
}

func (d desk) apiMoved(c *rest.Call, in *apiMovedInput) (*rest.One[apiKept[Moved]], error) {
	var found moves
	a, ok, err := d.apiAsk(c, moving(in.Compare), &found)
	return soonOr(c, a, ok, found.moved(), err)
}
