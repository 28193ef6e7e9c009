package webhooks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"regulars/internal/platform/export"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// pageSize is the number of deliveries on a page.
const pageSize = 50

type endpointPage struct {
	Endpoint Endpoint
	Alert    *kit.Alert
	Terms    []kit.Term
	Filter   kit.Filter
	Table    kit.Table
	Form     *web.Form
	Days     int    // for which messages are kept
	Held     string // how many are held back, said in words; empty: none
	What     []kit.Option
	Removal  kit.Dialog
}

func (d door) show(w http.ResponseWriter, r *web.Request) error {
	return d.page(w, r, http.StatusOK, r.NewForm().Set("since", r.Now.Add(-24*time.Hour).In(zone(r)).Format(time.DateOnly)))
}

func zone(r *web.Request) *time.Location {
	if r.Shop.Zone == nil {
		return time.UTC
	}
	return r.Shop.Zone
}

func (d door) page(w http.ResponseWriter, r *web.Request, status int, f *web.Form) error {
	e, err := d.endpoint(r)
	if err != nil {
		return err
	}
	open, err := Open(r.Context(), d.db)
	if err != nil {
		return err
	}
	days, err := deliveriesKept.Days(r.Context(), d.db)
	if err != nil {
		return err
	}
	sure, err := r.Fragment("webhooks/endpoint.html", "removal-body", nil)
	if err != nil {
		return err
	}
	p := endpointPage{Endpoint: e, Form: f, Days: days, Filter: d.filter(r, e), Terms: terms(r, e),
		What: []kit.Option{{Value: "missed", Text: r.T("webhooks.replay.missed")}, {Value: "all", Text: r.T("webhooks.replay.all")}},
		Removal: kit.Dialog{ID: "removal", Open: kit.Button{Text: r.T("webhooks.remove"), Icon: "trash"}, Title: r.T("webhooks.remove.sure"),
			Body: sure, Action: r.Href(home(e.ID) + "/removal"), Submit: kit.Button{Text: r.T("webhooks.remove.do"), Kind: "danger"}}}
	if a, ok := notice(r, e, days); ok {
		p.Alert = &a
	}
	if n := open[e.ID].Held; n > 0 && e.State == On {
		p.Held = r.Print.N("webhooks.held", n)
	}
	if p.Table, err = d.table(r, e, days); err != nil {
		return err
	}
	return r.RenderStatus(w, status, "webhooks/endpoint.html", p)
}

func terms(r *web.Request, e Endpoint) []kit.Term {
	kinds := r.T("webhooks.kinds.all")
	if len(e.Kinds) > 0 {
		kinds = strings.Join(e.Kinds, ", ")
	}
	all := []kit.Term{{Name: r.T("webhooks.state"), Value: badge(r, e)}, {Name: r.T("webhooks.kinds"), Value: kinds}}
	if e.History {
		all = append(all, kit.Term{Name: r.T("webhooks.history.short"), Value: r.T("webhooks.history.yes")})
	}
	if r.Now.Before(e.FormerUntil) {
		all = append(all, kit.Term{Name: r.T("webhooks.former"), Value: r.T("webhooks.former.until", "Time", r.Print.Time(e.FormerUntil))})
	}
	return append(all, kit.Term{Name: r.T("webhooks.since"), Value: r.Print.Time(e.CreatedAt)})
}

// progresses are the states of a delivery, as the filter offers them.
var progresses = []Progress{Waiting, Delivered, Failed, Held}

// asked reads the filter of the address. What is searched for is the id of an
// event or a customer; anything else finds nothing.
func asked(r *web.Request) Filter {
	q := r.URL.Query()
	f := Filter{Kind: q.Get("kind")}
	for _, p := range progresses {
		if q.Get("state") == string(p) {
			f.Progress = p
		}
	}
	f.search(q.Get("q"))
	if day, err := time.ParseInLocation(time.DateOnly, q.Get("since"), r.Print.Zone()); err == nil {
		f.Since = day
	}
	at, shown, _ := strings.Cut(q.Get("after"), ".")
	micro, err := strconv.ParseInt(at, 10, 64)
	if e, bad := id.ParseEvent(shown); err == nil && bad == nil {
		f.Before = Cursor{time.UnixMicro(micro), e}
	}
	return f
}

// search looks for the id of an event or of a customer.
func (f *Filter) search(s string) {
	switch s = strings.TrimSpace(s); {
	case s == "":
	case strings.HasPrefix(s, "cus_"):
		if f.Customer, _ = id.ParseCustomer(s); f.Customer == 0 {
			f.Customer = -1
		}
	default:
		if f.Event, _ = id.ParseEvent(s); f.Event == 0 {
			f.Event = -1
		}
	}
}

func (d door) filter(r *web.Request, e Endpoint) kit.Filter {
	q := r.URL.Query()
	f := kit.Filter{Path: r.Href(home(e.ID)), Query: q, Search: r.T("webhooks.search"), Target: "deliveries"}
	states := []kit.Option{{Text: r.T("webhooks.progress.any")}}
	for _, p := range progresses {
		states = append(states, kit.Option{Value: string(p), Text: r.T("webhooks.progress." + string(p))})
	}
	kinds := []kit.Option{{Text: r.T("webhooks.kinds.all")}, {Value: Ping.Name, Text: Ping.Name}}
	for _, g := range d.groups(nil) {
		for _, k := range g.Kinds {
			kinds = append(kinds, kit.Option{Value: k.Name, Text: k.Name})
		}
	}
	f.Fields = []kit.Field{
		{Kind: "select", Name: "state", Label: r.T("webhooks.state"), Value: q.Get("state"), Choices: states},
		{Kind: "select", Name: "kind", Label: r.T("webhooks.kind"), Value: q.Get("kind"), Choices: kinds},
		{Kind: "date", Name: "since", Label: r.T("webhooks.since.day"), Value: q.Get("since")},
	}
	for _, name := range []string{"q", "state", "kind", "since"} {
		if v := q.Get(name); v != "" {
			f.Active = append(f.Active, kit.Chip{Text: v, Name: name})
		}
	}
	return f
}

func (d door) table(r *web.Request, e Endpoint, days int) (kit.Table, error) {
	f := asked(r)
	f.Limit = pageSize + 1
	all, err := Deliveries(r.Context(), d.db, e.ID, f)
	if err != nil {
		return kit.Table{}, err
	}
	q := r.URL.Query()
	t := kit.Table{
		ID: "log", Caption: r.T("webhooks.log"), Path: r.Href(home(e.ID)), Query: q, First: f.Before.MadeAt.IsZero(),
		Export: kit.With(r.Href(home(e.ID)+"/export"), q, "after", ""),
		Columns: []kit.Column{
			{Key: "at", Title: r.T("webhooks.at")}, {Key: "kind", Title: r.T("webhooks.kind")},
			{Key: "state", Title: r.T("webhooks.state")}, {Key: "answer", Title: r.T("webhooks.answer")},
			{Key: "attempts", Title: r.T("webhooks.attempts"), Number: true}, {Key: "took", Title: r.T("webhooks.took"), Number: true},
			{Key: "next", Title: r.T("webhooks.next")},
		},
		Empty: kit.Empty{Icon: "inbox", Title: r.T("webhooks.log.empty"), Text: r.Print.N("webhooks.log.empty.text", days)},
	}
	if len(all) > pageSize {
		all = all[:pageSize]
		last := all[pageSize-1]
		t.Next = fmt.Sprintf("%d.%s", last.MadeAt.UnixMicro(), last.Event)
	}
	for _, x := range all {
		took, next := "", ""
		if n := len(x.Log); n > 0 {
			took = r.T("webhooks.ms", "N", r.Print.Int(x.Log[n-1].Took))
		}
		if !x.NextAt.IsZero() {
			next = r.Print.Time(x.NextAt)
		}
		t.Rows = append(t.Rows, kit.Row{Href: r.Href(deliveryHref(x)), Cells: []any{
			r.Print.Time(x.MadeAt), x.Kind, progressBadge(r, x.Progress), answerText(r, x), r.Print.Int(int64(x.Attempts)), took, next,
		}})
	}
	return t, nil
}

func deliveryHref(x Delivery) string {
	return home(x.Endpoint) + "/deliveries/" + x.Customer.String() + "/" + x.Event.String()
}

func progressBadge(r *web.Request, p Progress) any {
	tones := map[Progress]kit.Tone{Waiting: kit.Warn, Delivered: kit.Good, Failed: kit.Bad, Held: kit.Plain}
	return kit.Badge(tones[p], r.T("webhooks.progress."+string(p)))
}

// answerText is the latest answer in a word: a status or why there was none.
func answerText(r *web.Request, x Delivery) string {
	if len(x.Log) == 0 {
		return ""
	}
	return outcome(r, x.Log[len(x.Log)-1])
}

func outcome(r *web.Request, a Attempt) string {
	if a.Failure != "" {
		return r.T("webhooks.failure." + a.Failure)
	}
	return strconv.Itoa(a.Status)
}

func (d door) export(w http.ResponseWriter, r *web.Request) error {
	e, err := d.endpoint(r)
	if err != nil {
		return err
	}
	f := asked(r)
	f.Before, f.Limit = Cursor{}, 1000
	columns := slices.Concat(export.Columns(export.Time, "made_at"), export.Columns(export.Text, "event", "kind", "customer", "state"),
		export.Columns(export.Number, "attempts", "status"), export.Columns(export.Time, "next_at"))
	return r.Export(w, "webhook-deliveries", columns, func(yield func([]string, error) bool) {
		for {
			all, err := Deliveries(r.Context(), d.db, e.ID, f)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, x := range all {
				if !yield([]string{export.At(x.MadeAt, r.Print.Zone()), x.Event.String(), x.Kind, x.Customer.String(), string(x.Progress),
					strconv.Itoa(x.Attempts), strconv.Itoa(x.Status), export.At(x.NextAt, r.Print.Zone())}, nil) {
					return
				}
			}
			if len(all) < f.Limit {
				return
			}
			f.Before = Cursor{all[len(all)-1].MadeAt, all[len(all)-1].Event}
		}
	})
}

type deliveryPage struct {
	Endpoint Endpoint
	Delivery Delivery
	Action   string
	Terms    []kit.Term
	Attempts kit.Table
	Body     string // of the message, to be read
}

func (d door) one(r *web.Request) (e Endpoint, x Delivery, err error) {
	if e, err = d.endpoint(r); err != nil {
		return e, x, err
	}
	c, err := web.PathID(r, "customer", id.ParseCustomer)
	if err != nil {
		return e, x, err
	}
	event, err := web.PathID(r, "event", id.ParseEvent)
	if err != nil {
		return e, x, err
	}
	x, err = DeliveryOf(r.Context(), d.db, e.ID, c, event)
	return e, x, err
}

func (d door) delivery(w http.ResponseWriter, r *web.Request) error {
	e, x, err := d.one(r)
	if err != nil {
		return err
	}
	p := deliveryPage{Endpoint: e, Delivery: x, Action: r.Href(deliveryHref(x) + "/replay"), Terms: []kit.Term{
		{Name: r.T("webhooks.state"), Value: progressBadge(r, x.Progress)}, {Name: r.T("webhooks.id"), Value: x.Event.String()},
		{Name: r.T("webhooks.at"), Value: r.Print.Time(x.MadeAt)},
	}}
	var body bytes.Buffer
	if err := json.Indent(&body, []byte(x.Body), "", "  "); err != nil {
		return fmt.Errorf("show the message of %s: %w", x.Event, err)
	}
	p.Body = body.String()
	if x.Customer != 0 {
		who, err := r.Fragment("webhooks/delivery.html", "customer-link", x)
		if err != nil {
			return err
		}
		p.Terms = append(p.Terms, kit.Term{Name: r.T("webhooks.customer"), Value: who})
	}
	if !x.NextAt.IsZero() {
		p.Terms = append(p.Terms, kit.Term{Name: r.T("webhooks.next"), Value: r.Print.Time(x.NextAt)})
	}
	p.Attempts = kit.Table{ID: "attempts", Caption: r.T("webhooks.attempts"), First: true, Columns: []kit.Column{
		{Key: "at", Title: r.T("webhooks.attempt.at")}, {Key: "outcome", Title: r.T("webhooks.answer")},
		{Key: "took", Title: r.T("webhooks.took"), Number: true}, {Key: "text", Title: r.T("webhooks.answer.text")},
	}, Empty: kit.Empty{Icon: "clock", Title: r.T("webhooks.attempts.none"), Text: r.T("webhooks.attempts.none.text")}}
	for i := len(x.Log) - 1; i >= 0; i-- {
		a := x.Log[i]
		p.Attempts.Rows = append(p.Attempts.Rows, kit.Row{Cells: []any{
			r.Print.Time(a.At), outcome(r, a), r.T("webhooks.ms", "N", r.Print.Int(a.Took)), a.Answer,
		}})
	}
	return r.Render(w, "webhooks/delivery.html", p)
}

func (d door) replayOne(w http.ResponseWriter, r *web.Request) error {
	_, x, err := d.one(r)
	if err != nil {
		return err
	}
	if err := d.db.Tx(r.Context(), func(tx *store.Tx) error {
		if err := Replay(r.Context(), tx, x); err != nil {
			return err
		}
		return users.Audit(r.Context(), tx, users.Change{By: r.Staff.ID, Action: "webhook.replayed", Subject: x.Endpoint.String()})
	}); err != nil {
		return err
	}
	r.Flash(w, "good", r.T("webhooks.replayed.one"))
	return r.Redirect(w, deliveryHref(x))
}

// replay sends again what was not delivered, or everything, since a day.
func (d door) replay(w http.ResponseWriter, r *web.Request) error {
	e, err := d.endpoint(r)
	if err != nil {
		return err
	}
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	day, what := f.Day("since"), f.Choice("what", "missed", "all")
	if day == "" && f.OK() {
		f.Wrong("since", r.T("web.form.required"))
	}
	if !f.OK() {
		return d.page(w, r, http.StatusUnprocessableEntity, f)
	}
	since, err := time.ParseInLocation(time.DateOnly, day, zone(r))
	if err != nil {
		return fmt.Errorf("read the day of a replay: %w", err)
	}
	return d.do(w, r, "webhooks.replayed", func(ctx context.Context, tx *store.Tx) error {
		if err := ReplaySince(ctx, tx, e.ID, since, what == "all"); err != nil {
			return err
		}
		return users.Audit(ctx, tx, users.Change{By: r.Staff.ID, Action: "webhook.replayed", Subject: e.ID.String()})
	})
}

// do does one thing to the endpoint in the address and shows it again.
func (d door) do(w http.ResponseWriter, r *web.Request, done string, verb func(context.Context, *store.Tx) error) error {
	if err := d.db.Tx(r.Context(), func(tx *store.Tx) error { return verb(r.Context(), tx) }); err != nil {
		return err
	}
	r.Flash(w, "good", r.T(done))
	return r.Redirect(w, "/settings/webhooks/"+r.PathValue("endpoint"))
}

func (d door) ping(w http.ResponseWriter, r *web.Request) error {
	e, err := d.endpoint(r)
	if err != nil {
		return err
	}
	return d.do(w, r, "webhooks.pinged", func(ctx context.Context, tx *store.Tx) error {
		_, err := SendPing(ctx, tx, e.ID)
		return err
	})
}

func (d door) pause(w http.ResponseWriter, r *web.Request) error {
	e, err := d.endpoint(r)
	if err != nil {
		return err
	}
	return d.do(w, r, "webhooks.paused", func(ctx context.Context, tx *store.Tx) error { return Pause(ctx, tx, r.Staff.ID, e.ID) })
}

func (d door) resume(w http.ResponseWriter, r *web.Request) error {
	e, err := d.endpoint(r)
	if err != nil {
		return err
	}
	return d.do(w, r, "webhooks.resumed", func(ctx context.Context, tx *store.Tx) error { return Resume(ctx, tx, r.Staff.ID, e.ID) })
}

func (d door) remove(w http.ResponseWriter, r *web.Request) error {
	e, err := d.endpoint(r)
	if err != nil {
		return err
	}
	if err := d.db.Tx(r.Context(), func(tx *store.Tx) error { return Remove(r.Context(), tx, r.Staff.ID, e.ID) }); err != nil {
		return err
	}
	r.Flash(w, "good", r.T("webhooks.removed"))
	return r.Redirect(w, "/settings/webhooks")
}

type secretPage struct {
	Endpoint Endpoint
	Secret   string
	Former   string // until when the one before signs too; empty: there is none
}

func (d door) secret(w http.ResponseWriter, r *web.Request) error {
	e, err := d.endpoint(r)
	if err != nil {
		return err
	}
	p := secretPage{Endpoint: e}
	if p.Secret, err = Secret(r.Context(), d.db, e.ID); err != nil {
		return err
	}
	if r.Now.Before(e.FormerUntil) {
		p.Former = r.Print.Time(e.FormerUntil)
	}
	w.Header().Set("Cache-Control", "no-store")
	return r.Render(w, "webhooks/secret.html", p)
}

func (d door) rotate(w http.ResponseWriter, r *web.Request) error {
	e, err := d.endpoint(r)
	if err != nil {
		return err
	}
	if err := d.db.Tx(r.Context(), func(tx *store.Tx) error {
		_, err := Rotate(r.Context(), tx, r.Staff.ID, e.ID)
		return err
	}); err != nil {
		return err
	}
	r.Flash(w, "good", r.T("webhooks.rotated"))
	return r.Redirect(w, home(e.ID)+"/secret")
}
