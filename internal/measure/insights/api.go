package insights

import (
	"context"
	"encoding/json"
	"time"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
)

// API is what programs can do with the figures.
func API(db *store.DB) []rest.Operation {
	d := desk{db: db}
	op := func(pattern, name, summary, text string) rest.Operation {
		return rest.Operation{Pattern: pattern, Name: name, Summary: summary, Text: text, Scope: "insights:read", Role: web.Viewer}
	}
	const soon = "Answered from what was kept, with the time it was computed. If there is nothing yet it is computed, and the answer is 503: ask again a few seconds later."
	put := op("PUT /insights/costs", "setCosts", "Enter what winning and keeping a customer costs", "").And("POST /insights/money", web.Manager, "")
	put.Scope = "insights:write"
	return []rest.Operation{
		rest.Op(op("GET /insights/figures", "getFigures", "Read cohorts, retention, repeat rate, gaps, RFM and revenue",
			soon+" Days within it are counted from 1970-01-01."), d.apiFigures),
		rest.Op(op("GET /insights/forecast", "getForecast", "Read what is to be expected of the customers already had", soon), d.apiForecast),
		rest.Op(op("GET /insights/moved", "getMoved", "Read what moved the figures from one period to another", soon), d.apiMoved),
		rest.Op(op("GET /insights/contracts", "getContracts", "Read how subscriptions are kept: logo, gross and net retention, and renewals to expect",
			soon+" Days within it are counted from 1970-01-01. Money is what is paid a month, in the business's own currency, of each period at the rates of its last day."), d.apiContracts),
		rest.Op(op("GET /insights/costs", "getCosts", "Read what winning and keeping a customer costs", ""), d.apiCosts),
		rest.Op(put, d.apiSetCosts),
	}
}

// apiFigures is a kept result.
type apiFigures struct {
	ComputedAt time.Time       `json:"computed_at"`
	Fresh      bool            `json:"fresh" doc:"Of the data and the day as they are now"`
	Figures    json.RawMessage `json:"figures"`
}

type apiFiguresInput struct {
	From     string `query:"from" maxLength:"10" format:"date"`
	To       string `query:"to" maxLength:"10" format:"date"`
	Channel  string `query:"channel" maxLength:"100"`
	Country  string `query:"country" maxLength:"2"`
	Category string `query:"category" maxLength:"17" doc:"Orders that hold something of it"`
	By       string `query:"by" enum:"week,month,quarter,year" default:"month"`
	Window   int32  `query:"window" minimum:"0" maximum:"3650" doc:"Days within which a buyer counts as a customer; 0: chosen by the customers' own gaps"`
}

func (d desk) apiFigures(c *rest.Call, in *apiFiguresInput) (*rest.One[apiFigures], error) {
	by, err := retention.ParseGrain(in.By)
	if err != nil {
		return nil, rest.BadParameter("by", errs.Wrong("", "web.form.choice"))
	}
	f := Filter{By: by, From: in.From, To: in.To, Channel: in.Channel, Country: in.Country, Window: in.Window}
	if in.Category != "" {
		if f.Category, err = id.ParseCategory(in.Category); err != nil {
			return nil, rest.BadParameter("category", errs.Missing("insights.wrong.api-category"))
		}
	}
	r, ok, err := Read(c.Context(), d.db, f, c.Now)
	if err != nil {
		return nil, err
	}
	if !ok || !r.Fresh {
		if err := d.db.Tx(c.Context(), func(tx *store.Tx) error { return Ask(c.Context(), tx, f) }); err != nil {
			return nil, err
		}
	}
	return soonOr(c, ok, r.ComputedAt, r.Fresh, r.Figures)
}

// soonOr answers with a result, or says that there will be one.
func soonOr(c *rest.Call, ok bool, at time.Time, fresh bool, v any) (*rest.One[apiFigures], error) {
	if !ok {
		return nil, errs.Of(errs.Unavailable, nil, "insights.wrong.api-soon")
	}
	b, err := json.Marshal(v)
	return rest.Show(c, apiFigures{at, fresh, b}, err)
}

func (d desk) apiForecast(c *rest.Call, _ *struct{}) (*rest.One[apiFigures], error) {
	f, ok, err := ReadForecast(c.Context(), d.db, c.Now)
	if err == nil && (!ok || !f.Fresh) {
		err = d.db.Tx(c.Context(), func(tx *store.Tx) error { return AskForecast(c.Context(), tx) })
	}
	if err != nil {
		return nil, err
	}
	return soonOr(c, ok, f.ComputedAt, f.Fresh, f)
}

type apiMovedInput struct {
	Compare string `query:"compare" maxLength:"20" doc:"Which two periods; a wrong one names those there are"`
}

func (d desk) apiMoved(c *rest.Call, in *apiMovedInput) (*rest.One[apiFigures], error) {
	compare := in.Compare
	known := Compares()
	if compare == "" {
		compare = known[0]
	}
	found := false
	for _, k := range known {
		found = found || k == compare
	}
	if !found {
		return nil, rest.BadParameter("compare", errs.Wrong("", "insights.wrong.api-compare", "Known", known))
	}
	m, ok, err := ReadMoved(c.Context(), d.db, compare, c.Now)
	if err == nil && (!ok || !m.Fresh) {
		err = d.db.Tx(c.Context(), func(tx *store.Tx) error { return AskMoved(c.Context(), tx, compare) })
	}
	if err != nil {
		return nil, err
	}
	return soonOr(c, ok, m.ComputedAt, m.Fresh, m)
}

type apiContractsInput struct {
	From    string `query:"from" maxLength:"10" format:"date"`
	To      string `query:"to" maxLength:"10" format:"date"`
	Country string `query:"country" maxLength:"2"`
	By      string `query:"by" enum:"week,month,quarter,year" default:"month"`
}

func (d desk) apiContracts(c *rest.Call, in *apiContractsInput) (*rest.One[apiFigures], error) {
	by, err := retention.ParseGrain(in.By)
	if err != nil {
		return nil, rest.BadParameter("by", errs.Wrong("", "web.form.choice"))
	}
	i := contractsAsked(Filter{By: by, From: in.From, To: in.To, Country: in.Country})
	var found contracts
	a, ok, err := i.read(c.Context(), d.db, c.Now, &found)
	if err == nil && (!ok || !a.Fresh) {
		err = d.db.Tx(c.Context(), func(tx *store.Tx) error { return i.ask(c.Context(), tx) })
	}
	if err != nil {
		return nil, err
	}
	return soonOr(c, ok, a.At, a.Fresh, found)
}

// apiCosts are what was entered for the money case; 0 is not entered.
type apiCosts struct {
	Win    int64 `json:"win_minor" minimum:"0" doc:"To win a customer"`
	Keep   int64 `json:"keep_minor" minimum:"0" doc:"To bring one back"`
	Margin int64 `json:"margin_milli" minimum:"0" maximum:"1000" doc:"What is left of revenue after the goods, of a thousand"`
	Growth int64 `json:"growth_milli" minimum:"0" maximum:"10000" doc:"By how much revenue is to grow within a year, of a thousand"`
}

func (d desk) apiCosts(c *rest.Call, _ *struct{}) (*rest.One[apiCosts], error) {
	v, err := LoadCosts(c.Context(), d.db)
	return rest.Show(c, apiCosts{v.WinMinor, v.KeepMinor, v.Margin, v.Growth}, err)
}

type apiCostsInput struct {
	rest.IfMatch
	Body apiCosts
}

func (d desk) apiSetCosts(c *rest.Call, in *apiCostsInput) (*rest.One[apiCosts], error) {
	v := Costs{in.Body.Win, in.Body.Keep, in.Body.Margin, in.Body.Growth}
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		was, err := LoadCosts(ctx, tx)
		if err != nil {
			return err
		}
		if err := in.Check(apiCosts{was.WinMinor, was.KeepMinor, was.Margin, was.Growth}); err != nil {
			return err
		}
		if err := SaveCosts(ctx, tx, v); err != nil {
			return err
		}
		return auditCosts(ctx, tx, c.Staff.ID, was, v)
	})
	return rest.Show(c, in.Body, err)
}
