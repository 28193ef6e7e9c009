package collect

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
)

// What Shopify passes on of people's requests about their data.
const (
	askedCopy        = "customers/data_request"
	askedErasure     = "customers/redact"
	askedShopErasure = "shop/redact"
)

// asked is such a request.
type asked struct {
	Topic     string
	Reference string // the shop's own number of it; may be empty
	Who       person
}

func readShopifyAsk(p *Parcel) (news, error) {
	var v struct {
		Customer struct {
			ID    shopID `json:"id"`
			Email string `json:"email"`
			Phone string `json:"phone"`
		} `json:"customer"`
		Request struct {
			ID shopID `json:"id"`
		} `json:"data_request"`
	}
	if err := parseShop(p.Body, &v); err != nil {
		return news{}, err
	}
	return news{Ask: &asked{Topic: p.Topic, Reference: string(v.Request.ID),
		Who: person{External: string(v.Customer.ID), Email: v.Customer.Email, Phone: v.Customer.Phone}}}, nil
}

// How a request was answered, or why a person of the staff has to.
const (
	outcomeOpen      = ""
	outcomeNobody    = "nobody"    // nobody here is known by that
	outcomeErased    = "erased"    // at once, by the program
	outcomeElsewhere = "elsewhere" // the person bought elsewhere too: staff decide
	outcomeSettled   = "settled"   // by staff
)

// answerWithin is how long the law gives.
const answerWithin = 30 * 24 * time.Hour

// Request is what a person asked for by way of their shop.
type Request struct {
	ID       int64
	Source   id.Source
	Topic    string
	Customer id.Customer // 0: nobody, or the whole shop
	Outcome  string
	AskedAt  time.Time
	DueAt    time.Time
	DoneAt   time.Time // zero: open
	DoneBy   id.User   // 0: the program
}

// ask answers a request as far as the program can. Who is known from nowhere else
// is erased at once; a copy, and whatever somebody has to decide, waits for
// staff.
func (w *shopWork) ask(ctx context.Context, a *asked) error {
	request := Request{Source: w.source.ID, Topic: a.Topic, AskedAt: w.tx.Now, DueAt: w.tx.Now.Add(answerWithin)}
	if a.Topic != askedShopErasure {
		var err error
		if request.Customer, err = w.find(ctx, &a.Who); err != nil {
			return err
		}
		if request.Customer == 0 {
			request.Outcome, request.DoneAt = outcomeNobody, w.tx.Now
		}
	}
	if a.Topic == askedErasure && request.Customer != 0 {
		elsewhere, err := w.elsewhere(ctx, request.Customer)
		if err != nil {
			return err
		}
		if elsewhere {
			request.Outcome = outcomeElsewhere
		} else if err := customers.EraseForGood(ctx, w.tx, w.tables, request.Customer, customers.By{Source: w.space()}); err != nil {
			return err
		} else {
			request.Outcome, request.DoneAt = outcomeErased, w.tx.Now
		}
	}
	return w.request(ctx, request, a.Reference)
}

// find finds who asks, without learning anything of them.
func (w *shopWork) find(ctx context.Context, p *person) (id.Customer, error) {
	for _, i := range []customers.Identity{{Kind: customers.External, Value: w.space() + ":" + p.External}, {Kind: customers.Email, Value: p.Email},
		{Kind: customers.Phone, Value: p.Phone}} {
		n, err := customers.Normalise(i, w.region)
		if err != nil || i.Kind == customers.External && p.External == "" {
			continue
		}
		if c, ok, err := customers.Find(ctx, w.tx, n); err != nil || ok {
			return c, err
		}
	}
	return 0, nil
}

// elsewhere reports whether the business knows a person from anywhere but this
// shop: an order, or an id of another system.
func (w *shopWork) elsewhere(ctx context.Context, c id.Customer) (bool, error) {
	var n int
	if err := w.tx.QueryRow(ctx, `select count(*) from orders where customer_id = $1 and source <> $2`, int64(c), w.space()).Scan(&n); err != nil || n > 0 {
		return n > 0, err
	}
	err := w.tx.QueryRow(ctx, `select count(*) from customer_identities where customer_id = $1 and kind in ($2, $3) and value not like $4 escape '!'`,
		int64(c), customers.External, customers.Card, like(w.space()+":")+"%").Scan(&n)
	return n > 0, err
}

// like is a text as it stands in a pattern.
func like(s string) string {
	b := make([]rune, 0, len(s))
	for _, r := range s {
		if r == '!' || r == '%' || r == '_' {
			b = append(b, '!')
		}
		b = append(b, r)
	}
	return string(b)
}

// request writes a request down, once.
func (w *shopWork) request(ctx context.Context, v Request, reference string) error {
	var open int
	if err := w.tx.QueryRow(ctx, `
		select count(*) from collect_requests where source_id = $1 and topic = $2 and (reference = $3 and reference <> ''
			or done_at is null and customer_id is not distinct from $4)`,
		int64(v.Source), v.Topic, reference, nullID(int64(v.Customer))).Scan(&open); err != nil || open > 0 {
		return err
	}
	var done any
	if !v.DoneAt.IsZero() {
		done = v.DoneAt.UnixMicro()
	}
	_, err := w.tx.Exec(ctx, `
		insert into collect_requests (id, source_id, topic, reference, customer_id, origin_customer_id, outcome, asked_at, due_at, done_at, done_by)
		values ($1, $2, $3, $4, $5, null, $6, $7, $8, $9, 0)`,
		w.tx.NewID(), int64(v.Source), v.Topic, reference, nullID(int64(v.Customer)), v.Outcome, v.AskedAt.UnixMicro(), v.DueAt.UnixMicro(), done)
	if err != nil {
		return fmt.Errorf("write down a request about data: %w", err)
	}
	return nil
}

// Requests returns the requests there were, the open ones first.
func Requests(ctx context.Context, q store.Querier, limit int) ([]Request, error) {
	return store.All(ctx, q, func(rows *sql.Rows) (v Request, err error) {
		var asked, due int64
		var done sql.NullInt64
		err = rows.Scan(&v.ID, &v.Source, &v.Topic, &v.Customer, &v.Outcome, &asked, &due, &done, &v.DoneBy)
		v.AskedAt, v.DueAt = micros(asked), micros(due)
		if done.Valid {
			v.DoneAt = micros(done.Int64)
		}
		return v, err
	}, `
		select id, source_id, topic, coalesce(customer_id, 0), outcome, asked_at, due_at, done_at, done_by from collect_requests
		order by case when done_at is null then 0 else 1 end, due_at desc, id desc limit $1`, limit)
}

// Settle notes that staff answered a request. Doing it again changes nothing.
func Settle(ctx context.Context, tx *store.Tx, by id.User, request int64) error {
	n, err := tx.Exec(ctx, `update collect_requests set done_at = $1, done_by = $2, outcome = $3 where id = $4 and done_at is null`,
		tx.Now.UnixMicro(), int64(by), outcomeSettled, request)
	if err != nil {
		return fmt.Errorf("settle a request about data: %w", err)
	}
	if n == 0 {
		var there int
		err := tx.QueryRow(ctx, `select count(*) from collect_requests where id = $1`, request).Scan(&there)
		if err != nil || there > 0 {
			return err
		}
		return errs.Missing("collect.request.none")
	}
	return users.Audit(ctx, tx, users.Change{By: by, Action: "request.settled", Subject: id.Show("request", request)})
}
