package insights

import (
	"context"
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
	d := desk{db, new(shelf)}
	op := func(pattern, name, summary, text string) rest.Operation {
		return rest.Operation{Pattern: pattern, Name: name, Summary: summary, Text: text, Scope: "insights:read", Role: web.Viewer}
	}
	const soon = "Answered from what was kept, with the time it was computed. If there is nothing yet it is computed, and the answer is 503: ask again a few seconds later."
	const counted = soon + " Days within it are counted from 1970-01-01."
	put := op("PUT /insights/costs", "setCosts", "Enter what winning and keeping a customer costs", "").And("POST /insights/money", web.Manager, "")
	patch := op("PATCH /insights/costs", "changeCosts", "Change some of what winning and keeping a customer costs", "").And("", web.Manager,
		"A JSON merge patch: what is left out stays, null is not entered.")
	put.Scope, patch.Scope = "insights:write", "insights:write"
	return []rest.Operation{
		rest.Op(op("GET /insights/figures", "getFigures", "Read cohorts, retention, repeat rate, gaps, RFM and revenue", counted), d.apiFigures),
		rest.Op(op("GET /insights/cohorts", "getCohorts", "Read cohorts side by side, or from another event than the first purchase on", counted), d.apiCohorts),
		rest.Op(op("GET /insights/contracts", "getContracts", "Read how subscriptions are kept: logo, gross and net retention, and renewals to expect",
			counted+" Money is what is paid a month, in the business's own currency, of each period at the rates of its last day."), d.apiContracts),
		rest.Op(op("GET /insights/forecast", "getForecast", "Read what is to be expected of the customers already had", soon), d.apiForecast),
		rest.Op(op("GET /insights/money", "getMoneyCase", "Read what keeping more customers is worth, and who brings the revenue", soon), d.apiMoney),
		rest.Op(op("GET /insights/value", "getValue", "Read who is a customer still, and what they will bring, all together",
			soon+" Of single customers getScore, listSlipping and listDue tell."), d.apiValue),
		rest.Op(op("GET /insights/moved", "getMoved", "Read what moved the figures from one period to another", soon), d.apiMoved),
		rest.Op(op("GET /insights/costs", "getCosts", "Read what winning and keeping a customer costs", ""), d.apiCosts),
		rest.Op(put, d.apiSetCosts),
		rest.Op(patch, d.apiChangeCosts),
	}
}

// apiKept is a kept result.
type apiKept[T any] struct {
	ComputedAt time.Time `json:"computed_at"`
	Fresh      bool      `json:"fresh" doc:"Of the data and the day as they are now"`
	Figures    T         `json:"figures"`
}

// APIWhose say of whose orders figures are.
type APIWhose struct {
	Channel  string `query:"channel" maxLength:"100"`
	Country  string `query:"country" maxLength:"2"`
	Category string `query:"category" maxLength:"17" doc:"Orders that hold something of it"`
}

func (in APIWhose) filter(f Filter) (Filter, error) {
	f.Channel, f.Country = in.Channel, in.Country
	if in.Category != "" {
		var err error
		if f.Category, err = id.ParseCategory(in.Category); err != nil {
			return f, rest.BadParameter("category", errs.Missing("insights.wrong.api-category"))
		}
	}
	return f, nil
}

// APIWhen say of which days figures are, and in which periods.
type APIWhen struct {
	From string `query:"from" maxLength:"10" format:"date"`
	To   string `query:"to" maxLength:"10" format:"date"`
	By   string `query:"by" enum:"week,month,quarter,year" default:"month"`
}

func (in APIWhen) filter() (Filter, error) {
	by, err := retention.ParseGrain(in.By)
	if err != nil {
		err = rest.BadParameter("by", errs.Wrong("", "web.form.choice"))
	}
	return Filter{By: by, From: in.From, To: in.To}, err
}

type apiFiguresInput struct {
	APIWhen
	APIWhose
	Window int32 `query:"window" minimum:"0" maximum:"3650" doc:"Days within which a buyer counts as a customer; 0: chosen by the customers' own gaps"`
	rest.Fields[apiKept[Figures]]
}

func (d desk) apiFigures(c *rest.Call, in *apiFiguresInput) (*rest.One[apiKept[Figures]], error) {
	f, err := in.APIWhen.filter()
	if err != nil {
		return nil, err
	}
	if f, err = in.APIWhose.filter(f); err != nil {
		return nil, err
	}
	f.Window = in.Window
	r, ok, err := Read(c.Context(), d.db, f, c.Now)
	if err == nil && (!ok || !r.Fresh) {
		err = d.db.Tx(c.Context(), func(tx *store.Tx) error { return Ask(c.Context(), tx, f) })
	}
	return soonOr(c, answered{r.ComputedAt, r.Orders, r.Fresh}, ok, r.Figures, err)
}

// soonOr answers with a result, or says that there will be one.
func soonOr[T any](c *rest.Call, a answered, ok bool, v T, err error) (*rest.One[apiKept[T]], error) {
	if err == nil && !ok {
		err = errs.Of(errs.Unavailable, nil, "insights.wrong.api-soon")
	}
	if err != nil {
		return nil, err
	}
	rest.Fill(&v)
	return rest.Show(c, apiKept[T]{a.At, a.Fresh, v}, nil)
}

// apiAsk reads what was kept of an inquiry, and sees to it that it is computed
// when that is nothing, or old.
func (d desk) apiAsk(c *rest.Call, i inquiry, into body) (a answered, ok bool, err error) {
	a, ok, err = i.read(c.Context(), d.db, c.Now, into)
	if err == nil && (!ok || !a.Fresh) {
		err = d.db.Tx(c.Context(), func(tx *store.Tx) error { return i.ask(c.Context(), tx) })
	}
	return a, ok, err
}

type apiCohortsInput struct {
	APIWhen
	APIWhose
	Split string `query:"split" enum:"channel,country,category,product" doc:"A table for each of these, of the first order; the largest are told. Left out: one of all"`
	Since string `query:"since" enum:"joined,order.delivered,order.refunded,order.cancelled,call.logged,note.added" doc:"From when on customers are followed. Left out: from the first purchase"`
	rest.Fields[apiKept[cohortGroups]]
}

func (d desk) apiCohorts(c *rest.Call, in *apiCohortsInput) (*rest.One[apiKept[cohortGroups]], error) {
	f, err := in.APIWhen.filter()
	if err != nil {
		return nil, err
	}
	if f, err = in.APIWhose.filter(f); err != nil {
		return nil, err
	}
	var found cohortGroups
	a, ok, err := d.apiAsk(c, inquiry{Question: splitQuestion, Filter: f, Split: retention.Split(in.Split), Since: in.Since}, &found)
	return soonOr(c, a, ok, found, err)
}

type apiContractsInput struct {
	APIWhen
	Country string `query:"country" maxLength:"2"`
	rest.Fields[apiKept[contracts]]
}

func (d desk) apiContracts(c *rest.Call, in *apiContractsInput) (*rest.One[apiKept[contracts]], error) {
	f, err := in.APIWhen.filter()
	if err != nil {
		return nil, err
	}
	f.Country = in.Country
	var found contracts
	a, ok, err := d.apiAsk(c, contractsAsked(f), &found)
	return soonOr(c, a, ok, found, err)
}

// apiCosts are what was entered for the money case; 0 is not entered.
type apiCosts struct {
	Win    int64 `json:"win_minor" minimum:"0" doc:"To win a customer"`
	Keep   int64 `json:"keep_minor" minimum:"0" doc:"To bring one back"`
	Margin int64 `json:"margin_milli" minimum:"0" maximum:"1000" doc:"What is left of revenue after the goods, of a thousand"`
	Growth int64 `json:"growth_milli" minimum:"0" maximum:"10000" doc:"By how much revenue is to grow within a year, of a thousand"`
}

func (d desk) apiCosts(c *rest.Call, _ *struct{ rest.Fields[apiCosts] }) (*rest.One[apiCosts], error) {
	v, err := LoadCosts(c.Context(), d.db)
	return rest.Show(c, apiCosts{v.WinMinor, v.KeepMinor, v.Margin, v.Growth}, err)
}

type apiCostsInput struct {
	rest.IfMatch
	Body apiCosts
}

func (d desk) apiSetCosts(c *rest.Call, in *apiCostsInput) (*rest.One[apiCosts], error) {
	return d.apiSaveCosts(c, in.IfMatch, func(v *apiCosts) { *v = in.Body })
}

type apiCostsPatch struct {
	rest.IfMatch
	Body struct {
		Win    rest.Field[int64] `json:"win_minor,omitzero" minimum:"0"`
		Keep   rest.Field[int64] `json:"keep_minor,omitzero" minimum:"0"`
		Margin rest.Field[int64] `json:"margin_milli,omitzero" minimum:"0" maximum:"1000"`
		Growth rest.Field[int64] `json:"growth_milli,omitzero" minimum:"0" maximum:"10000"`
	} `contentType:"application/merge-patch+json"`
}

func (d desk) apiChangeCosts(c *rest.Call, in *apiCostsPatch) (*rest.One[apiCosts], error) {
	return d.apiSaveCosts(c, in.IfMatch, func(v *apiCosts) {
		in.Body.Win.Into(&v.Win)
		in.Body.Keep.Into(&v.Keep)
		in.Body.Margin.Into(&v.Margin)
		in.Body.Growth.Into(&v.Growth)
	})
}

func (d desk) apiSaveCosts(c *rest.Call, match rest.IfMatch, change func(*apiCosts)) (*rest.One[apiCosts], error) {
	var now apiCosts
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		was, err := LoadCosts(ctx, tx)
		if err != nil {
			return err
		}
		now = apiCosts{was.WinMinor, was.KeepMinor, was.Margin, was.Growth}
		if err := match.Check(now); err != nil {
			return err
		}
		change(&now)
		v := Costs{now.Win, now.Keep, now.Margin, now.Growth}
		if err := SaveCosts(ctx, tx, v); err != nil {
			return err
		}
		return auditCosts(ctx, tx, c.Staff.ID, was, v)
	})
	return rest.Show(c, now, err)
}
