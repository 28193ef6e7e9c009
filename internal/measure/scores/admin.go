package scores

import (
	"context"
	"embed"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
)

// Files holds the panel and the texts of this module.
//
//go:embed all:pages text
var Files embed.FS

// Panel is the box on a customer's page. Who has no score has no box.
var Panel = web.Panel{ID: "scores", Order: 50, Role: web.Viewer, Page: "scores/panel.html",
	Data: func(ctx context.Context, q store.Querier, c id.Customer) (any, error) {
		s, ok, err := Of(ctx, q, c)
		if err != nil || !ok {
			return nil, err
		}
		f, err := load(ctx, q, s.Model)
		if err != nil || f == nil {
			return nil, err
		}
		p := panel{Score: s, Buying: f.model(Buying), Spending: f.model(Spending), Rhythm: f.model(Rhythm), Groups: f.model(Groups)}
		p.Low, p.High, p.HasInterval = f.interval(s)
		p.OwnGap, p.HasOwnGap = s.OwnGap()
		return p, nil
	}}

type panel struct {
	Score
	Buying, Spending, Rhythm, Groups Model
	Low, High                        int64
	HasInterval                      bool
	OwnGap                           float64
	HasOwnGap                        bool
}

// VisitCount is Visits for a plural.
func (p panel) VisitCount() int { return int(p.Visits) }

// Overdue says that the due day has passed.
func (p panel) Overdue() bool { return p.DueDay != "" && p.DueDay < p.AsOfDay }

// Missing is the model that whatever cannot be said was asked of; empty: all
// of it can be said, or no model is to blame.
func (p panel) Missing() string {
	switch {
	case p.Rhythm.Trouble != "":
		return p.Rhythm.Trouble
	case p.Buying.Trouble != "":
		return p.Buying.Trouble
	}
	return p.Spending.Trouble
}
