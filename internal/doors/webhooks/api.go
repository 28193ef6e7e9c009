package webhooks

import (
	"context"
	"encoding/json"
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
)

// API is what programs can do with webhooks.
func API(db *store.DB, kinds timeline.Kinds) []rest.Operation {
	d := desk{db, kinds}
	op := func(pattern, name, summary, page, text string) rest.Operation {
		o := rest.Operation{Pattern: pattern, Name: name, Summary: summary, Scope: "webhooks:read"}
		if o.Writes() {
			o.Scope = "webhooks:write"
		}
		return o.And(page, web.Owner, text)
	}
	const home, one = "/settings/webhooks/{endpoint}", "/settings/webhooks/{endpoint}/deliveries/{customer}/{event}"
	secret := op("POST /webhooks/{endpoint}/secret", "showWebhookSecret", "Read the secret with which an endpoint verifies", "", "It is a POST, so that no log of addresses leads to it.")
	secret.Replays = true
	return []rest.Operation{
		rest.Op(op("GET /webhooks", "listWebhooks", "List the endpoints that are told of events", "", ""), d.apiList),
		rest.Op(op("POST /webhooks", "addWebhook", "Add an endpoint", "POST /settings/webhooks", "The answer holds its secret.").Making(), d.apiAdd),
		rest.Op(op("GET /webhooks/{endpoint}", "getWebhook", "Read an endpoint", "", ""), d.apiShow),
		rest.Op(op("PATCH /webhooks/{endpoint}", "changeWebhook", "Change an endpoint", "POST "+home, "What is left out stays."), d.apiChange),
		rest.Op(op("DELETE /webhooks/{endpoint}", "removeWebhook", "Remove an endpoint and its log", "POST "+home+"/removal", ""), d.apiRemove),
		rest.Op(secret, d.apiSecret),
		rest.Op(op("POST /webhooks/{endpoint}/rotation", "rotateWebhookSecret", "Give an endpoint a new secret", "POST "+home+"/rotation", "The one before signs too for a day."), d.apiRotate),
		rest.Op(op("POST /webhooks/{endpoint}/ping", "pingWebhook", "Send an endpoint a test", "POST "+home+"/ping", "Its answer stands in the deliveries in a moment."), d.apiPing),
		rest.Op(op("POST /webhooks/{endpoint}/pause", "pauseWebhook", "Hold back what happens from now on", "POST "+home+"/pause", ""), d.apiTurn(Pause)),
		rest.Op(op("POST /webhooks/{endpoint}/resumption", "resumeWebhook", "Send again from the next event on", "POST "+home+"/resumption", "What was held back waits for replayWebhook."), d.apiTurn(Resume)),
		rest.Op(op("POST /webhooks/{endpoint}/replay", "replayWebhook", "Send again what an endpoint missed, or everything", "POST "+home+"/replay", ""), d.apiReplay),
		rest.Op(op("GET /webhooks/{endpoint}/deliveries", "listDeliveries", "List what was sent, the newest first", "", "Kept for 30 days."), d.apiDeliveries),
		rest.Op(op("GET /webhooks/{endpoint}/deliveries/{customer}/{event}", "getDelivery", "Read a delivery with its attempts", "", ""), d.apiDelivery),
		rest.Op(op("POST /webhooks/{endpoint}/deliveries/{customer}/{event}/replay", "replayDelivery", "Send one delivery again", "POST "+one+"/replay", "Under the same webhook-id."), d.apiReplayOne),
	}
}

// desk is what the operations share.
type desk struct {
	db    *store.DB
	kinds timeline.Kinds
}

// apiWebhook is an endpoint.
type apiWebhook struct {
	ID          id.Endpoint `json:"id"`
	URL         string      `json:"url"`
	Description string      `json:"description"`
	Events      []string    `json:"events" doc:"Kinds of events; none: all" maxLength:"100"`
	History     bool        `json:"history" doc:"Also told of events that came too late to react to, as from an import"`
	State       string      `json:"state" enum:"on,paused,gone,given_up"`
	Failures    int         `json:"failures" doc:"In a row, until now"`
	FailingAt   *time.Time  `json:"failing_since,omitempty"`
	FormerUntil *time.Time  `json:"former_secret_until,omitempty" doc:"Until then the secret before this one signs too"`
	CreatedAt   time.Time   `json:"created_at"`
}

func (e Endpoint) api() apiWebhook {
	return apiWebhook{ID: e.ID, URL: e.URL, Description: e.Description, Events: append([]string{}, e.Kinds...), History: e.History, State: string(e.State),
		Failures: e.Failures, FailingAt: given(e.Failing), FormerUntil: given(e.FormerUntil), CreatedAt: e.CreatedAt}
}

func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (d desk) apiList(c *rest.Call, in *rest.Short[apiWebhook]) (*rest.Listing[apiWebhook], error) {
	all, err := List(c.Context(), d.db)
	return rest.Cut(in.Page, all, func(e Endpoint) string { return e.ID.String() }, Endpoint.api, err)
}

// check refuses events that do not exist.
func (d desk) check(kinds []string) error {
	for _, k := range kinds {
		if _, ok := d.kinds[k]; !ok {
			return errs.Wrong("events", "webhooks.kinds.unknown", "Kind", k)
		}
	}
	return nil
}

// apiSecretOf is an endpoint's secret.
type apiSecretOf struct {
	Webhook id.Endpoint `json:"webhook"`
	Secret  string      `json:"secret" doc:"whsec_ and base64, to verify with"`
}

type apiAddInput struct {
	Body struct {
		URL         string   `json:"url" minLength:"1" maxLength:"500" doc:"Begins with https://"`
		Description string   `json:"description,omitempty" maxLength:"200"`
		Events      []string `json:"events,omitempty" maxItems:"200" maxLength:"60" doc:"Kinds of events; none: all"`
		History     bool     `json:"history,omitempty"`
	}
}

func (d desk) apiAdd(c *rest.Call, in *apiAddInput) (*rest.One[apiSecretOf], error) {
	if err := d.check(in.Body.Events); err != nil {
		return nil, err
	}
	var out apiSecretOf
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) (err error) {
		out.Webhook, out.Secret, err = Add(ctx, tx, c.Staff.ID, Edit{URL: in.Body.URL, Description: in.Body.Description, Kinds: in.Body.Events, History: in.Body.History})
		return err
	})
	return rest.Show(c, out, err)
}

// apiOf is the endpoint that an address names.
type apiOf = rest.ID[id.Endpoint]

type apiOne struct {
	Endpoint apiOf `path:"endpoint"`
}

func (d desk) apiShow(c *rest.Call, in *struct {
	Endpoint apiOf `path:"endpoint"`
	rest.Fields[apiWebhook]
}) (*rest.One[apiWebhook], error) {
	e, err := ByID(c.Context(), d.db, in.Endpoint.Of)
	return rest.Show(c, e.api(), err)
}

type apiChangeInput struct {
	Endpoint apiOf `path:"endpoint"`
	rest.IfMatch
	Body struct {
		URL         rest.Field[string]   `json:"url,omitempty" maxLength:"500"`
		Description rest.Field[string]   `json:"description,omitempty" maxLength:"200"`
		Events      rest.Field[[]string] `json:"events,omitempty" maxItems:"200" doc:"null: all" maxLength:"100"`
		History     rest.Field[bool]     `json:"history,omitempty"`
	} `contentType:"application/merge-patch+json"`
}

func (d desk) apiChange(c *rest.Call, in *apiChangeInput) (*rest.One[apiWebhook], error) {
	var e Endpoint
	if err := d.check(in.Body.Events.Value); err != nil {
		return nil, err
	}
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) (err error) {
		if e, err = ByID(ctx, tx, in.Endpoint.Of); err != nil {
			return err
		}
		if err := in.Check(e.api()); err != nil {
			return err
		}
		change := Edit{URL: e.URL, Description: e.Description, Kinds: e.Kinds, History: e.History}
		in.Body.URL.Into(&change.URL)
		in.Body.Description.Into(&change.Description)
		in.Body.Events.Into(&change.Kinds)
		in.Body.History.Into(&change.History)
		if err := Change(ctx, tx, c.Staff.ID, e.ID, change); err != nil {
			return err
		}
		e, err = ByID(ctx, tx, e.ID)
		return err
	})
	return rest.Show(c, e.api(), err)
}

func (d desk) apiRemove(c *rest.Call, in *struct {
	Endpoint apiOf `path:"endpoint"`
	rest.IfMatch
}) (*rest.None, error) {
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		e, err := ByID(ctx, tx, in.Endpoint.Of)
		if err == nil {
			err = in.Check(e.api())
		}
		if err != nil {
			return err
		}
		return Remove(ctx, tx, c.Staff.ID, in.Endpoint.Of)
	})
	return nil, err
}

func (d desk) apiSecret(c *rest.Call, in *apiOne) (*rest.One[apiSecretOf], error) {
	secret, err := Secret(c.Context(), d.db, in.Endpoint.Of)
	return rest.Show(c, apiSecretOf{in.Endpoint.Of, secret}, err)
}

func (d desk) apiRotate(c *rest.Call, in *apiOne) (*rest.One[apiSecretOf], error) {
	out := apiSecretOf{Webhook: in.Endpoint.Of}
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) (err error) {
		out.Secret, err = Rotate(ctx, tx, c.Staff.ID, in.Endpoint.Of)
		return err
	})
	return rest.Show(c, out, err)
}

// apiSent names a message.
type apiSent struct {
	Event id.Event `json:"event" doc:"Its webhook-id"`
}

func (d desk) apiPing(c *rest.Call, in *apiOne) (*rest.One[apiSent], error) {
	var out apiSent
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) (err error) {
		out.Event, err = SendPing(ctx, tx, in.Endpoint.Of)
		return err
	})
	return rest.Show(c, out, err)
}

// apiTurn is Pause or Resume as an operation.
func (d desk) apiTurn(verb func(context.Context, *store.Tx, id.User, id.Endpoint) error) func(*rest.Call, *apiOne) (*rest.One[apiWebhook], error) {
	return func(c *rest.Call, in *apiOne) (*rest.One[apiWebhook], error) {
		var e Endpoint
		err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) (err error) {
			if err := verb(ctx, tx, c.Staff.ID, in.Endpoint.Of); err != nil {
				return err
			}
			e, err = ByID(ctx, tx, in.Endpoint.Of)
			return err
		})
		return rest.Show(c, e.api(), err)
	}
}

type apiReplayInput struct {
	Endpoint apiOf `path:"endpoint"`
	Body     struct {
		Since time.Time `json:"since" doc:"What was made from then on; at most 30 days ago"`
		All   bool      `json:"all,omitempty" doc:"Also what arrived"`
	}
}

func (d desk) apiReplay(c *rest.Call, in *apiReplayInput) (*rest.None, error) {
	return nil, c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		if err := ReplaySince(ctx, tx, in.Endpoint.Of, in.Body.Since, in.Body.All); err != nil {
			return err
		}
		return users.Audit(ctx, tx, users.Change{By: c.Staff.ID, Action: "webhook.replayed", Subject: in.Endpoint.Of.String()})
	})
}

// apiDelivery is one event for one endpoint.
type apiDelivery struct {
	Event    id.Event        `json:"event" doc:"Its webhook-id"`
	Customer id.Customer     `json:"customer" doc:"cus_0000000000000: a test, which is of nobody"`
	Kind     string          `json:"kind"`
	State    string          `json:"state" enum:"waiting,delivered,failed,held"`
	Status   int             `json:"status" doc:"Of the latest answer; 0: there was none"`
	Attempts int             `json:"attempts"`
	MadeAt   time.Time       `json:"made_at"`
	NextAt   *time.Time      `json:"next_at,omitempty"`
	Log      []Attempt       `json:"log" doc:"The latest attempts"`
	Message  json.RawMessage `json:"message" doc:"As it is sent"`
}

func (d Delivery) api() apiDelivery {
	return apiDelivery{Event: d.Event, Customer: d.Customer, Kind: d.Kind, State: string(d.Progress), Status: d.Status, Attempts: d.Attempts,
		MadeAt: d.MadeAt, NextAt: given(d.NextAt), Log: append([]Attempt{}, d.Log...), Message: json.RawMessage(d.Body)}
}

type apiDeliveriesInput struct {
	Endpoint apiOf `path:"endpoint"`
	rest.Page
	rest.Fields[apiDelivery]
	Query string `query:"q" maxLength:"60" doc:"The id of an event or of a customer"`
	State string `query:"state" enum:"waiting,delivered,failed,held"`
	Kind  string `query:"kind" maxLength:"60"`
	Since string `query:"since" maxLength:"10" format:"date" doc:"From this day on"`
}

// apiCursor is the place of a delivery in the list.
type apiCursor struct {
	At    int64    `json:"t"`
	Event id.Event `json:"e"`
}

func (d desk) apiDeliveries(c *rest.Call, in *apiDeliveriesInput) (*rest.Listing[apiDelivery], error) {
	f := Filter{Progress: Progress(in.State), Kind: in.Kind, Limit: in.Limit + 1}
	f.search(in.Query)
	if in.Since != "" {
		var err error
		if f.Since, err = time.ParseInLocation(time.DateOnly, in.Since, c.Zone()); err != nil {
			return nil, rest.BadParameter("since", errs.Wrong("", "web.form.day"))
		}
	}
	var after apiCursor
	if err := rest.ReadCursor(in.After, &after); err != nil {
		return nil, err
	}
	if after.Event != 0 {
		f.Before = Cursor{time.UnixMicro(after.At), after.Event}
	}
	if _, err := ByID(c.Context(), d.db, in.Endpoint.Of); err != nil {
		return nil, err
	}
	all, err := Deliveries(c.Context(), d.db, in.Endpoint.Of, f)
	all, next := rest.Next(in.Page, all, func(x Delivery) any { return apiCursor{x.MadeAt.UnixMicro(), x.Event} })
	return rest.Pageful(all, next, Delivery.api), err
}

type apiDeliveryOf struct {
	Endpoint apiOf                `path:"endpoint"`
	Customer rest.ID[id.Customer] `path:"customer"`
	Event    rest.ID[id.Event]    `path:"event"`
}

func (d desk) apiDelivery(c *rest.Call, in *struct {
	Endpoint apiOf                `path:"endpoint"`
	Customer rest.ID[id.Customer] `path:"customer"`
	Event    rest.ID[id.Event]    `path:"event"`
	rest.Fields[apiDelivery]
}) (*rest.One[apiDelivery], error) {
	x, err := DeliveryOf(c.Context(), d.db, in.Endpoint.Of, in.Customer.Of, in.Event.Of)
	return rest.Show(c, x.api(), err)
}

func (d desk) apiReplayOne(c *rest.Call, in *apiDeliveryOf) (*rest.None, error) {
	return nil, c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		x, err := DeliveryOf(ctx, tx, in.Endpoint.Of, in.Customer.Of, in.Event.Of)
		if err != nil {
			return err
		}
		if err := Replay(ctx, tx, x); err != nil {
			return err
		}
		return users.Audit(ctx, tx, users.Change{By: c.Staff.ID, Action: "webhook.replayed", Subject: x.Endpoint.String()})
	})
}
