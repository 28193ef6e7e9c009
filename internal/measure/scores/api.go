package scores

import (
	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
)

// API is what programs can do with scores.
func API(db *store.DB) []rest.Operation {
	d := desk{db}
	op := func(pattern, name, summary, text string) rest.Operation {
		return rest.Operation{Pattern: pattern, Name: name, Summary: summary, Text: text, Scope: "insights:read", Role: web.Viewer}
	}
	return []rest.Operation{
		rest.Op(op("GET /customers/{customer}/score", "getScore", "Read what the models say of one customer", "404 for who has not bought, or was not scored yet."), d.apiScore),
		rest.Op(op("GET /slipping", "listSlipping", "List who is slipping away",
			"Customers whose silence is improbable for them but who may be there still. Those who would bring most come first."), d.apiSlipping),
		rest.Op(op("GET /due", "listDue", "List who is due between two days", ""), d.apiDue),
	}
}

type desk struct{ db *store.DB }

// APIScore is what the models say of one customer. Money is in the smallest
// unit of the business's currency. What a model could not tell is left out.
type APIScore struct {
	Customer   id.Customer `json:"customer"`
	AsOfDay    string      `json:"as_of_day"`
	FirstDay   string      `json:"first_day"`
	LastDay    string      `json:"last_day"`
	Visits     int64       `json:"visits" doc:"Days with a purchase"`
	Orders     int64       `json:"orders"`
	Spend      int64       `json:"spend_minor"`
	Alive      *float64    `json:"alive,omitempty" doc:"Chance to be a customer still"`
	Return     *float64    `json:"return_chance,omitempty" doc:"Chance of a visit within a year"`
	Purchases  *float64    `json:"purchases,omitempty" doc:"Expected visits within a year"`
	Value      *int64      `json:"value_minor,omitempty" doc:"Expected revenue within a year"`
	Worth      *int64      `json:"worth_minor,omitempty" doc:"The same of somebody who certainly stays"`
	Late       bool        `json:"late" doc:"So long a silence is improbable for them"`
	LateChance *float64    `json:"late_chance,omitempty" doc:"The share of their gaps that are as long as this silence"`
	Gap        *float64    `json:"gap_days,omitempty" doc:"Expected days from visit to visit"`
	DueDay     string      `json:"due_day" doc:"Empty: nobody can say"`
	R          int64       `json:"r" doc:"1 to 5; 0: too few customers"`
	F          int64       `json:"f"`
	M          int64       `json:"m"`
	Group      string      `json:"group"`
}

func (s Score) api() APIScore {
	a := APIScore{Customer: s.Customer, AsOfDay: s.AsOfDay, FirstDay: s.FirstDay, LastDay: s.LastDay, Visits: s.Visits, Orders: s.Orders, Spend: s.Spend,
		Late: s.Late, DueDay: s.DueDay, R: s.R, F: s.F, M: s.M, Group: s.Group}
	if s.HasAlive {
		a.Alive, a.Return = &s.Alive, &s.Return
	}
	if s.HasPurchases {
		a.Purchases = &s.Purchases
	}
	if s.HasValue {
		a.Value, a.Worth = &s.Value, &s.Worth
	}
	if s.HasRhythm {
		a.LateChance = &s.LateChance
		if s.Gap > 0 {
			a.Gap = &s.Gap
		}
	}
	return a
}

type apiScoreInput struct {
	Customer rest.ID[id.Customer] `path:"customer"`
	rest.Fields[APIScore]
}

func (d desk) apiScore(c *rest.Call, in *apiScoreInput) (*rest.One[APIScore], error) {
	lives, err := customers.Resolve(c.Context(), d.db, in.Customer.Of)
	if err != nil {
		return nil, err
	}
	s, ok, err := Of(c.Context(), d.db, lives)
	if err == nil && !ok {
		err = errs.Missing("scores.wrong.api-none")
	}
	return rest.Show(c, s.api(), err)
}

// apiScored is a customer of a list.
type apiScored struct {
	Name string `json:"name"`
	APIScore
}

func shown(l Listed) apiScored { return apiScored{l.Name, l.api()} }

type apiSlippingInput struct {
	rest.Page
	rest.Fields[apiScored]
}

func (d desk) apiSlipping(c *rest.Call, in *apiSlippingInput) (*rest.Listing[apiScored], error) {
	var after SlippingCursor
	if err := rest.ReadCursor(in.After, &after); err != nil {
		return nil, err
	}
	all, err := Slipping(c.Context(), d.db, in.Limit+1, after)
	all, next := rest.Next(in.Page, all, func(l Listed) any { return SlippingCursor{l.Worth, l.Customer} })
	return rest.Pageful(all, next, shown), err
}

type apiDueInput struct {
	rest.Page
	rest.Fields[apiScored]
	From string `query:"from" maxLength:"10" format:"date" doc:"Left out: today"`
	To   string `query:"to" maxLength:"10" format:"date" doc:"Left out: a week from then"`
}

func (d desk) apiDue(c *rest.Call, in *apiDueInput) (*rest.Listing[apiScored], error) {
	if in.From == "" {
		in.From = c.Day()
	}
	if in.To == "" {
		in.To = c.Now.In(c.Zone()).AddDate(0, 0, 7).Format("2006-01-02")
	}
	var after DueCursor
	if err := rest.ReadCursor(in.After, &after); err != nil {
		return nil, err
	}
	all, err := Due(c.Context(), d.db, in.From, in.To, in.Limit+1, after)
	all, next := rest.Next(in.Page, all, func(l Listed) any { return DueCursor{l.DueDay, l.Customer} })
	return rest.Pageful(all, next, shown), err
}
