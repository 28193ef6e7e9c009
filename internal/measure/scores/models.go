package scores

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/store"
)

// The kinds of models, each asked for something else.
const (
	Buying   = "bgnbd"      // how often customers come
	Spending = "gammagamma" // what they spend
	Rhythm   = "rhythm"     // who is a customer still, and when they are due
	Groups   = "rfm"        // the limits of recency, frequency and money
)

// Model is one fitted model, or why there is none.
type Model struct {
	ID        int64 // of the fit; its four kinds share it
	Kind      string
	AsOfDay   string // the last day known to it
	FittedAt  time.Time
	Orders    int64 // what it was fitted on
	Buyers    int64
	Customers int64 // of the buyers: who could be learnt from
	Repeaters int64 // of the buyers: who came on two days or more
	// Parameters are the JSON of the retention model, every number exact; empty
	// with Trouble.
	Parameters    string
	LogLikelihood float64 // 0 for Groups, which nothing is fitted for
	Edge          bool    // see retention.Fit
	// Trouble is the key of retention.Trouble: why there are no parameters.
	Trouble string
}

// fit is one fit of all kinds as it is reckoned with. A model that there is
// none of is nil.
type fit struct {
	id       int64
	asOf     int32
	day      string
	buyers   int64
	finished bool
	restedAt time.Time // of a finished one: see calm
	models   []Model

	buying   *retention.BGNBD
	spending *retention.GammaGamma
	rhythm   *retention.Rhythm
	groups   *retention.Thresholds

	asked map[[3]int32]answer // equal customers are asked about once
}

// fitAll learns the models from a history, nil when nobody has bought.
func fitAll(h *retention.History, asOf int32) (*fit, error) {
	f := &fit{asOf: asOf, day: retention.DayText(asOf)}
	if h == nil {
		h = &retention.History{Start: []int32{0}, FirstDay: asOf, LastDay: asOf}
	}
	f.buyers = int64(h.Customers())
	paces := retention.PacesOf(h, asOf)
	_, repeaters := paces.Buyers.Customers()
	base := Model{AsOfDay: f.day, Orders: int64(h.Orders()), Buyers: f.buyers, Repeaters: int64(repeaters)}

	buying, how, err := retention.FitBGNBD(paces.Buyers)
	if err := f.learnt(Buying, base, buying, how, err); err != nil {
		return nil, err
	}
	spending, how, err := retention.FitGammaGamma(retention.SpendersOf(h, asOf, true))
	if err := f.learnt(Spending, base, spending, how, err); err != nil {
		return nil, err
	}
	rhythm, how, err := retention.FitRhythm(paces)
	if err := f.learnt(Rhythm, base, rhythm, how, err); err != nil {
		return nil, err
	}
	limits, _ := retention.StandingsOf(h, asOf).Fifths()
	err = nil
	if f.buyers < retention.LeastCustomers {
		err = &retention.Trouble{Key: "few_customers", Customers: f.buyers}
	}
	if err := f.learnt(Groups, base, limits, retention.Fit{Customers: f.buyers}, err); err != nil {
		return nil, err
	}
	return f, f.read()
}

// learnt notes one model, or its trouble.
func (f *fit) learnt(kind string, m Model, parameters any, how retention.Fit, failed error) error {
	m.Kind = kind
	var trouble *retention.Trouble
	switch {
	case errors.As(failed, &trouble):
		m.Trouble, m.Customers = trouble.Key, trouble.Customers
	case failed != nil:
		return fmt.Errorf("fit %s: %w", kind, failed)
	default:
		// Go writes a float with as many digits as bring the same one back.
		text, err := json.Marshal(parameters)
		if err != nil {
			return fmt.Errorf("write down %s: %w", kind, err)
		}
		m.Parameters, m.LogLikelihood, m.Edge, m.Customers = string(text), how.LogLikelihood, how.Edge, how.Customers
	}
	f.models = append(f.models, m)
	return nil
}

// read makes the models of their parameters.
func (f *fit) read() error {
	f.asked = map[[3]int32]answer{}
	for _, m := range f.models {
		if m.Parameters == "" {
			continue
		}
		var into any
		switch m.Kind {
		case Buying:
			f.buying = new(retention.BGNBD)
			into = f.buying
		case Spending:
			f.spending = new(retention.GammaGamma)
			into = f.spending
		case Rhythm:
			f.rhythm = new(retention.Rhythm)
			into = f.rhythm
		case Groups:
			f.groups = new(retention.Thresholds)
			into = f.groups
		default:
			continue
		}
		if err := json.Unmarshal([]byte(m.Parameters), into); err != nil {
			return fmt.Errorf("read the parameters of %s: %w", m.Kind, err)
		}
	}
	return nil
}

// save stores a new fit, unfinished: its customers are still to be scored.
func (f *fit) save(ctx context.Context, tx *store.Tx) error {
	f.id = tx.NewID()
	rows := tx.Bulk(ctx, "score_models", `model_id, kind, as_of_day, fitted_at, finished_at, orders, buyers, customers,
		repeaters, parameters, log_likelihood, edge, trouble`, "")
	for i := range f.models {
		m := &f.models[i]
		m.ID, m.FittedAt = f.id, tx.Now
		var likelihood any
		if m.Kind != Groups && m.Trouble == "" {
			likelihood = m.LogLikelihood
		}
		if err := rows.Add(m.ID, m.Kind, m.AsOfDay, m.FittedAt.UnixMicro(), nil, m.Orders, m.Buyers, m.Customers,
			m.Repeaters, m.Parameters, likelihood, m.Edge, m.Trouble); err != nil {
			return fmt.Errorf("store the model %s: %w", m.Kind, err)
		}
	}
	if err := rows.Close(); err != nil {
		return fmt.Errorf("store the models: %w", err)
	}
	return nil
}

// load reads a fit, the newest for 0; nil where there is none.
func load(ctx context.Context, q store.Querier, model int64) (*fit, error) {
	if model == 0 {
		var err error
		if model, err = newest(ctx, q); err != nil || model == 0 {
			return nil, err
		}
	}
	f := &fit{id: model}
	models, err := store.All(ctx, q, func(rows *sql.Rows) (m Model, err error) {
		var at int64
		var finished sql.NullInt64
		var likelihood sql.NullFloat64
		err = rows.Scan(&m.Kind, &m.AsOfDay, &at, &finished, &m.Orders, &m.Buyers, &m.Customers, &m.Repeaters, &m.Parameters,
			&likelihood, &m.Edge, &m.Trouble)
		m.ID, m.FittedAt, m.LogLikelihood = model, time.UnixMicro(at).UTC(), likelihood.Float64
		f.day, f.buyers, f.finished = m.AsOfDay, m.Buyers, finished.Valid
		f.restedAt = time.UnixMicro(finished.Int64 + calm*(finished.Int64-at))
		return m, err
	}, `
		select kind, as_of_day, fitted_at, finished_at, orders, buyers, customers, repeaters, parameters, log_likelihood, edge, trouble
		from score_models where model_id = $1 order by kind`, model)
	if err != nil {
		return nil, fmt.Errorf("read the models: %w", err)
	}
	if len(models) == 0 {
		return nil, nil
	}
	f.models = models
	var ok bool
	if f.asOf, ok = retention.ParseDay(f.day); !ok {
		return nil, fmt.Errorf("the models are as of %q, which is no day", f.day)
	}
	return f, f.read()
}

func newest(ctx context.Context, q store.Querier) (int64, error) {
	var model sql.NullInt64
	if err := q.QueryRow(ctx, `select max(model_id) from score_models`).Scan(&model); err != nil {
		return 0, fmt.Errorf("find the newest model: %w", err)
	}
	return model.Int64, nil
}

// Models returns the newest fit, a model of each kind; none before the first.
func Models(ctx context.Context, q store.Querier) ([]Model, error) {
	f, err := load(ctx, q, 0)
	if f == nil {
		return nil, err
	}
	return f.models, err
}

func (f *fit) model(kind string) Model {
	for _, m := range f.models {
		if m.Kind == kind {
			return m
		}
	}
	return Model{Kind: kind}
}
