package facts

import (
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
)

// API is what programs can do with facts.
func API(db *store.DB) []rest.Operation {
	d := desk{db}
	return []rest.Operation{
		rest.Op(rest.Operation{Pattern: "GET /customers/{customer}/facts", Name: "getFacts", Summary: "Read the figures of one customer",
			Scope: "customers:read", Role: web.Viewer, Text: "Folded from their own history, a moment after whatever happens."}, d.apiFacts),
	}
}

type desk struct{ db *store.DB }

// apiFacts are one customer's figures, in the smallest unit of the business's
// currency.
type apiFacts struct {
	Orders         int64      `json:"orders"`
	Spend          int64      `json:"spend_minor"`
	Refunded       int64      `json:"refunded_minor"`
	Net            int64      `json:"net_minor"`
	Unvalued       int64      `json:"unvalued" doc:"Orders that wait for a rate, in no sum"`
	Items          int64      `json:"items"`
	FirstOrderDay  string     `json:"first_order_day"`
	LastOrderDay   string     `json:"last_order_day"`
	Refunds        int64      `json:"refunds"`
	Cancellations  int64      `json:"cancellations"`
	PromisesKept   int64      `json:"promises_kept"`
	PromisesMissed int64      `json:"promises_missed"`
	MeanGapDays    float64    `json:"mean_gap_days" doc:"0: fewer than two days with a purchase"`
	LastChannel    string     `json:"last_channel"`
	LastEventAt    *time.Time `json:"last_event_at,omitempty"`
}

type apiInput struct {
	Customer rest.ID[id.Customer] `path:"customer"`
	rest.Fields[apiFacts]
}

func (d desk) apiFacts(c *rest.Call, in *apiInput) (*rest.One[apiFacts], error) {
	lives, err := customers.Resolve(c.Context(), d.db, in.Customer.Of)
	if err != nil {
		return nil, err
	}
	f, err := Of(c.Context(), d.db, lives)
	a := apiFacts{Orders: f.Orders, Spend: f.Spend, Refunded: f.Refunded, Net: f.Net, Unvalued: f.Unvalued, Items: f.Items, FirstOrderDay: f.FirstOrderDay,
		LastOrderDay: f.LastOrderDay, Refunds: f.Refunds, Cancellations: f.Cancellations, PromisesKept: f.PromisesKept, PromisesMissed: f.PromisesMissed,
		MeanGapDays: f.MeanGapDays, LastChannel: f.LastChannel}
	if !f.LastEventAt.IsZero() {
		a.LastEventAt = &f.LastEventAt
	}
	return rest.Show(c, a, err)
}
