package orders

import (
	"cmp"
	"context"
	"slices"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/workspace"
)

// apiSubscriptions is what programs can do with subscriptions.
func (d desk) apiSubscriptions() []rest.Operation {
	op := rest.Operations("orders", web.Viewer, web.Till)
	const by, at = "/subscriptions-by/{source}/{external}", "/customers/{customer}/subscriptions/{subscription}"
	return []rest.Operation{
		rest.Op(op("GET /subscriptions", "listSubscriptions", "List subscriptions"), d.apiListSubscriptions),
		rest.Op(op("PUT "+by, "upsertSubscription", "Tell of a subscription by its id in your system").And("", web.Till,
			"What it is as of a time. Told late, twice or in another order it comes to the same, as long as at says of when it is; without at it is as of now. "+
				"The history is made of all that was told; before the first time it is taken to have been the same since it started."), d.apiUpsertSubscription),
		rest.Op(op("GET "+by, "findSubscription", "Find a subscription by its id in your system"), d.apiFindSubscription),
		rest.Op(op("PUT "+by+"/renewals/{number}", "renewSubscription", "Note that a period of a subscription was paid for").And("", web.Till,
			"Once for each number. It is no revenue: tell of the payment as an order."), d.apiRenew),
		rest.Op(op("GET "+at, "getSubscription", "Read a subscription with its history and renewals"), d.apiShowSubscription),
		rest.Op(op("PATCH "+at, "changeSubscription", "Change how a subscription ends").And("", web.Agent,
			"A JSON merge patch: what is left out stays. When it ends and why is all that staff can change of it, and only while it runs; a time that is past "+
				"ends it now. A notice is taken back by its source, and so is everything else."), d.apiChangeSubscription),
		rest.Op(op("POST "+at+"/cancellation", "cancelSubscription", "Write down that a subscription ends").And("POST "+at+"/cancellation", web.Agent,
			"Now, or on a later day. It ends nothing at whoever collects the money."), d.apiEndSubscription),
	}
}

// apiSubscription is what a customer pays under contract. Amounts are in the
// smallest unit of its currency.
type apiSubscription struct {
	ID          id.Subscription `json:"id"`
	Customer    id.Customer     `json:"customer"`
	Source      string          `json:"source"`
	External    string          `json:"external" doc:"By which its source names it"`
	Plan        string          `json:"plan"`
	Status      string          `json:"status" enum:"trialing,active,past_due,paused,cancelled"`
	AmountMinor int64           `json:"amount_minor" doc:"Each period, for all of the quantity"`
	Currency    string          `json:"currency"`
	Unit        string          `json:"interval_unit" enum:"day,week,month,year"`
	Every       int64           `json:"interval_count"`
	Quantity    int64           `json:"quantity"`
	Monthly     int64           `json:"monthly_minor" doc:"What it comes to a month; 0 while nothing is paid"`
	StartedAt   time.Time       `json:"started_at"`
	TrialEndAt  *time.Time      `json:"trial_end_at,omitempty"`
	PeriodEndAt *time.Time      `json:"period_end_at,omitempty" doc:"Paid up to"`
	CancelAt    *time.Time      `json:"cancel_at,omitempty" doc:"Notice was given for then"`
	EndedAt     *time.Time      `json:"ended_at,omitempty"`
	Reason      string          `json:"reason"`
	Note        string          `json:"note"`
	ToldAt      time.Time       `json:"told_at" doc:"As of when its source told of it last"`
}

// moment is a time that may not be known.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func shownSubscription(s Subscription) apiSubscription {
	return apiSubscription{ID: s.ID, Customer: s.Customer, Source: s.Source, External: s.External, Plan: s.Plan, Status: s.Status, AmountMinor: s.Amount,
		Currency: string(s.Currency), Unit: s.Unit, Every: s.Every, Quantity: s.Quantity, Monthly: s.Monthly, StartedAt: s.StartedAt, TrialEndAt: moment(s.TrialEnd),
		PeriodEndAt: moment(s.PeriodEnd), CancelAt: moment(s.CancelAt), EndedAt: moment(s.EndedAt), Reason: s.Reason, Note: s.Note, ToldAt: s.ToldAt}
}

// apiWholeSubscription is a subscription with what belongs to it.
type apiWholeSubscription struct {
	Subscription apiSubscription          `json:"subscription"`
	History      []apiSubscriptionState   `json:"history" doc:"What it was from when to when, the oldest first"`
	Renewals     []apiSubscriptionRenewal `json:"renewals" doc:"The newest 100"`
}

type apiSubscriptionState struct {
	Since       time.Time  `json:"since"`
	Until       *time.Time `json:"until,omitempty" doc:"Left out: it is so"`
	Implied     bool       `json:"implied" doc:"Nobody told of it: it was before the first account"`
	Plan        string     `json:"plan"`
	Status      string     `json:"status"`
	AmountMinor int64      `json:"amount_minor"`
	Currency    string     `json:"currency"`
	Quantity    int64      `json:"quantity"`
	Monthly     int64      `json:"monthly_minor"`
	CancelAt    *time.Time `json:"cancel_at,omitempty"`
}

type apiSubscriptionRenewal struct {
	Number      string     `json:"number"`
	PaidAt      time.Time  `json:"paid_at"`
	Until       *time.Time `json:"until,omitempty"`
	AmountMinor int64      `json:"amount_minor"`
	Currency    string     `json:"currency"`
}

func readWholeSubscription(ctx context.Context, q store.Querier, c id.Customer, sub id.Subscription) (w apiWholeSubscription, err error) {
	s, err := SubscriptionByID(ctx, q, c, sub)
	if err != nil {
		return w, err
	}
	w = apiWholeSubscription{Subscription: shownSubscription(s), History: []apiSubscriptionState{}, Renewals: []apiSubscriptionRenewal{}}
	states, err := StatesOf(ctx, q, c, sub)
	if err != nil {
		return w, err
	}
	for _, v := range states {
		w.History = append(w.History, apiSubscriptionState{v.Since, moment(v.Until), v.Implied, v.Plan, v.Status, v.Amount, string(v.Currency), v.Quantity, v.Monthly, moment(v.CancelAt)})
	}
	renewals, err := Renewals(ctx, q, c, sub, 100)
	for _, r := range renewals {
		w.Renewals = append(w.Renewals, apiSubscriptionRenewal{r.Number, r.PaidAt, moment(r.Until), r.Amount, string(r.Currency)})
	}
	return w, err
}

type apiSubscriptionsInput struct {
	rest.Page
	rest.Fields[apiSubscription]
	Search   string `query:"q" maxLength:"200" doc:"The beginning of the plan's name, or the source's id of it"`
	Status   string `query:"status" enum:"running,notice,trialing,active,past_due,paused,cancelled" doc:"running: all that are not cancelled; notice: those of which notice was given"`
	Source   string `query:"source" maxLength:"200"`
	Customer string `query:"customer" maxLength:"17" doc:"Only this one's"`
	Sort     string `query:"sort" enum:"started,monthly" default:"started"`
	Up       bool   `query:"up" doc:"The oldest or least first"`
}

func (d desk) apiListSubscriptions(c *rest.Call, in *apiSubscriptionsInput) (*rest.Listing[apiSubscription], error) {
	f := SubscriptionFilter{Search: in.Search, Status: in.Status, Source: in.Source}
	if in.Status == noticed {
		f.Status, f.Notice = "", true
	}
	var err error
	if f.Customer, err = d.apiWhose(c, in.Customer); err != nil {
		return nil, err
	}
	all, next, err := Subscriptions(c.Context(), d.db, f, Page{Sort: in.Sort, Up: in.Up, After: in.After, Limit: in.Limit})
	return rest.Pageful(all, next, shownSubscription), err
}

type apiSubscriptionOf struct {
	Customer     rest.ID[id.Customer]     `path:"customer"`
	Subscription rest.ID[id.Subscription] `path:"subscription"`
	rest.Fields[apiWholeSubscription]
}

func (d desk) apiShowSubscription(c *rest.Call, in *apiSubscriptionOf) (*rest.One[apiWholeSubscription], error) {
	at, err := customers.Resolve(c.Context(), d.db, in.Customer.Of)
	if err != nil {
		return nil, err
	}
	w, err := readWholeSubscription(c.Context(), d.db, at, in.Subscription.Of)
	return rest.Show(c, w, err)
}

type apiNamedSubscription struct {
	Source   string `path:"source" minLength:"1" maxLength:"60" doc:"Your system: billing" example:"billing"`
	External string `path:"external" minLength:"1" maxLength:"200" doc:"By which your system names the subscription" example:"s-1001"`
	rest.Fields[apiWholeSubscription]
}

func (d desk) apiFindSubscription(c *rest.Call, in *apiNamedSubscription) (*rest.One[apiWholeSubscription], error) {
	s, err := FindSubscription(c.Context(), d.db, in.Source, in.External)
	if err != nil {
		return nil, err
	}
	w, err := readWholeSubscription(c.Context(), d.db, s.Customer, s.ID)
	return rest.Show(c, w, err)
}

// apiSubscriptionTerms is a subscription as a program tells of it.
type apiSubscriptionTerms struct {
	Customer    *id.Customer `json:"customer,omitempty" maxLength:"17" doc:"Of one that is known already, not looked at"`
	Identity    *apiBuyer    `json:"identity,omitempty" doc:"Instead of customer: who this is"`
	At          *time.Time   `json:"at,omitempty" doc:"As of when this is so; left out: now"`
	Plan        string       `json:"plan" maxLength:"200" example:"Coffee box"`
	Status      string       `json:"status" enum:"trialing,active,past_due,paused,cancelled"`
	AmountMinor int64        `json:"amount_minor" minimum:"0" maximum:"100000000000000" doc:"Each period, for all of the quantity, after discounts that last"`
	Currency    string       `json:"currency,omitempty" maxLength:"3" doc:"ISO 4217; left out: the business's own" example:"EUR"`
	Unit        string       `json:"interval_unit" enum:"day,week,month,year"`
	Every       int64        `json:"interval_count,omitempty" minimum:"1" maximum:"1000" default:"1"`
	Quantity    int64        `json:"quantity,omitempty" minimum:"1" maximum:"1000000000" default:"1"`
	StartedAt   *time.Time   `json:"started_at,omitempty" doc:"Left out: when it was first told of"`
	TrialEndAt  *time.Time   `json:"trial_end_at,omitempty"`
	PeriodEndAt *time.Time   `json:"period_end_at,omitempty" doc:"Paid up to"`
	CancelAt    *time.Time   `json:"cancel_at,omitempty" doc:"Notice was given for then"`
	EndedAt     *time.Time   `json:"ended_at,omitempty" doc:"Of a cancelled one; left out: at"`
	Reason      string       `json:"reason,omitempty" enum:"too_expensive,unused,missing_features,switched,too_complex,quality,service,payment,disputed,other"`
	Note        string       `json:"note,omitempty" maxLength:"2000" doc:"Why, in their own words"`
	History     bool         `json:"history,omitempty" doc:"This is old news: it starts no play and no message"`
}

func known(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// news are the terms as Subscribe takes them.
func (a apiSubscriptionTerms) news(ctx context.Context, tx *store.Tx, c *rest.Call) (SubscriptionNews, error) {
	n := SubscriptionNews{At: known(a.At), History: a.History, Actor: c.Staff.ID, Terms: Terms{Plan: a.Plan, Status: a.Status, Amount: a.AmountMinor, Unit: a.Unit,
		Every: cmp.Or(a.Every, 1), Quantity: cmp.Or(a.Quantity, 1), StartedAt: known(a.StartedAt), TrialEnd: known(a.TrialEndAt), PeriodEnd: known(a.PeriodEndAt),
		CancelAt: known(a.CancelAt), EndedAt: known(a.EndedAt), Reason: a.Reason, Note: a.Note}}
	settings, err := workspace.Load(ctx, tx)
	if err != nil {
		return n, err
	}
	n.Currency = settings.Currency
	if a.Currency != "" {
		if n.Currency, err = money.ParseCurrency(a.Currency); err != nil {
			return n, errs.Wrong("currency", "orders.wrong.rate-currency")
		}
	}
	n.Customer, err = APISale{Customer: a.Customer, Identity: a.Identity}.buyer(ctx, tx, settings.Country)
	return n, err
}

type apiUpsertSubscriptionInput struct {
	Source   string `path:"source" minLength:"1" maxLength:"60" doc:"Your system: billing" example:"billing"`
	External string `path:"external" minLength:"1" maxLength:"200" doc:"By which your system names the subscription" example:"s-1001"`
	rest.IfMatch
	Body apiSubscriptionTerms
}

func (d desk) apiUpsertSubscription(c *rest.Call, in *apiUpsertSubscriptionInput) (*rest.One[apiWholeSubscription], error) {
	var now apiWholeSubscription
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		n, err := in.Body.news(ctx, tx, c)
		if err != nil {
			return err
		}
		n.Source, n.External = in.Source, in.External
		var was []State
		switch s, err := FindSubscription(ctx, tx, n.Source, n.External); {
		case err == nil:
			if err := in.matches(ctx, tx, s); err != nil {
				return err
			}
			if was, err = StatesOf(ctx, tx, s.Customer, s.ID); err != nil {
				return err
			}
		case !errs.Is(err, errs.NotFound):
			return err
		case in.Match != "":
			return in.Check(nil)
		}
		sub, err := Subscribe(ctx, tx, n)
		if err != nil {
			return renamed(renamed(err, "amount", "amount_minor"), "interval", "interval_unit")
		}
		s, err := FindSubscription(ctx, tx, n.Source, n.External)
		if err != nil {
			return err
		}
		is, err := StatesOf(ctx, tx, s.Customer, sub)
		if err != nil {
			return err
		}
		if !slices.Equal(was, is) {
			if err := users.Audit(ctx, tx, users.Change{By: c.Staff.ID, Action: "subscriptions.sent", Subject: sub.String()}); err != nil {
				return err
			}
		}
		c.About = s.Customer
		now, err = readWholeSubscription(ctx, tx, s.Customer, sub)
		return err
	})
	return rest.Show(c, now, err)
}

// matches refuses what is told of a subscription that is not any more as the
// program knew it.
func (in *apiUpsertSubscriptionInput) matches(ctx context.Context, tx *store.Tx, s Subscription) error {
	if in.Match == "" {
		return nil
	}
	s, err := holdSubscription(ctx, tx, s.Customer, s.ID)
	if err != nil {
		return err
	}
	now, err := readWholeSubscription(ctx, tx, s.Customer, s.ID)
	if err != nil {
		return err
	}
	return in.Check(now)
}

// apiPaidPeriod is a period of a subscription that was paid for.
type apiPaidPeriod struct {
	PaidAt      time.Time  `json:"paid_at"`
	Until       *time.Time `json:"until,omitempty" doc:"The end of the period"`
	AmountMinor int64      `json:"amount_minor" minimum:"0" maximum:"100000000000000"`
	Currency    string     `json:"currency,omitempty" maxLength:"3" doc:"ISO 4217; left out: the subscription's"`
	History     bool       `json:"history,omitempty" doc:"This is old news: it starts no play and no message"`
}

type apiSubscriptionRenewInput struct {
	Source   string `path:"source" minLength:"1" maxLength:"60" doc:"Your system: billing" example:"billing"`
	External string `path:"external" minLength:"1" maxLength:"200" doc:"By which your system names the subscription" example:"s-1001"`
	Number   string `path:"number" minLength:"1" maxLength:"200" doc:"Of the invoice, in your system" example:"i-7"`
	Body     apiPaidPeriod
}

func (d desk) apiRenew(c *rest.Call, in *apiSubscriptionRenewInput) (*rest.One[apiWholeSubscription], error) {
	var now apiWholeSubscription
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		s, err := FindSubscription(ctx, tx, in.Source, in.External)
		if err != nil {
			return err
		}
		r := Renewal{Source: s.Source, External: s.External, Number: in.Number, PaidAt: in.Body.PaidAt, Until: known(in.Body.Until), Amount: in.Body.AmountMinor,
			Currency: money.Currency(cmp.Or(in.Body.Currency, string(s.Currency))), History: in.Body.History}
		news, err := Renew(ctx, tx, r)
		if err != nil {
			return renamed(err, "amount", "amount_minor")
		}
		if news {
			if err := auditRenewal(ctx, tx, c.Staff.ID, r, s); err != nil {
				return err
			}
		}
		c.About = s.Customer
		now, err = readWholeSubscription(ctx, tx, s.Customer, s.ID)
		return err
	})
	return rest.Show(c, now, err)
}

// apiLeaving is how a subscription is to end.
type apiLeaving struct {
	At     *time.Time `json:"at,omitempty" doc:"Left out: now"`
	Reason string     `json:"reason" enum:"too_expensive,unused,missing_features,switched,too_complex,quality,service,payment,disputed,other"`
	Note   string     `json:"note,omitempty" maxLength:"2000" doc:"In their own words"`
}

type apiSubscriptionEndInput struct {
	Customer     rest.ID[id.Customer]     `path:"customer"`
	Subscription rest.ID[id.Subscription] `path:"subscription"`
	rest.IfMatch
	Body apiLeaving
}

func (d desk) apiEndSubscription(c *rest.Call, in *apiSubscriptionEndInput) (*rest.One[apiWholeSubscription], error) {
	return d.apiEnd(c, in.Customer.Of, in.Subscription.Of, in.IfMatch, func(Subscription) (Leaving, error) {
		return Leaving{known(in.Body.At), in.Body.Reason, in.Body.Note}, nil
	})
}

type apiSubscriptionPatch struct {
	Customer     rest.ID[id.Customer]     `path:"customer"`
	Subscription rest.ID[id.Subscription] `path:"subscription"`
	rest.IfMatch
	Body struct {
		CancelAt rest.Field[time.Time] `json:"cancel_at,omitzero" doc:"Where notice stands already, it may be left out"`
		Reason   rest.Field[string]    `json:"reason,omitzero" enum:"too_expensive,unused,missing_features,switched,too_complex,quality,service,payment,disputed,other"`
		Note     rest.Field[string]    `json:"note,omitzero" maxLength:"2000" doc:"In their own words"`
	} `contentType:"application/merge-patch+json"`
}

func (d desk) apiChangeSubscription(c *rest.Call, in *apiSubscriptionPatch) (*rest.One[apiWholeSubscription], error) {
	if b := in.Body; !b.CancelAt.Sent && !b.Reason.Sent && !b.Note.Sent {
		return d.apiShowSubscription(c, &apiSubscriptionOf{Customer: in.Customer, Subscription: in.Subscription})
	}
	one, err := d.apiEnd(c, in.Customer.Of, in.Subscription.Of, in.IfMatch, func(s Subscription) (Leaving, error) {
		l := Leaving{s.CancelAt, s.Reason, s.Note}
		in.Body.CancelAt.Into(&l.At)
		in.Body.Reason.Into(&l.Reason)
		in.Body.Note.Into(&l.Note)
		if l.At.IsZero() && !s.Over() { // Leaving takes it for now
			return l, errs.Wrong("cancel_at", "orders.wrong.subscription-ends")
		}
		return l, nil
	})
	return one, renamed(err, "at", "cancel_at")
}

// apiEnd writes down the end of a subscription, as leaving has it, and answers
// with how it is then.
func (d desk) apiEnd(c *rest.Call, asked id.Customer, sub id.Subscription, match rest.IfMatch, leaving func(Subscription) (Leaving, error)) (*rest.One[apiWholeSubscription], error) {
	var now apiWholeSubscription
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		at, err := customers.Resolve(ctx, tx, asked)
		if err != nil {
			return err
		}
		was, err := holdSubscription(ctx, tx, at, sub)
		if err != nil {
			return err
		}
		if match.Match != "" {
			if now, err = readWholeSubscription(ctx, tx, at, was.ID); err != nil {
				return err
			}
			if err := match.Check(now); err != nil {
				return err
			}
		}
		l, err := leaving(was)
		if err != nil {
			return err
		}
		if err := EndSubscription(ctx, tx, at, was.ID, l, apiBy(c)); err != nil {
			return err
		}
		if err := auditEnd(ctx, tx, c.Staff.ID, was); err != nil {
			return err
		}
		c.About = at
		now, err = readWholeSubscription(ctx, tx, at, was.ID)
		return err
	})
	return rest.Show(c, now, err)
}
