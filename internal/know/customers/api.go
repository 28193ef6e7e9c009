package customers

import (
	"cmp"
	"context"
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/workspace"
)

// API is what programs can do with customers.
func API(db *store.DB, kinds timeline.Kinds, tables []Table) []rest.Operation {
	d := desk{db: db, kinds: kinds, tables: tables}
	op := rest.Operations("customers", web.Viewer, web.Agent)
	all := []rest.Operation{
		rest.Op(op("GET /customers", "listCustomers", "List customers").And("", web.Viewer, "A page of the customers that match. Those who were merged or erased are not among them."), d.apiList),
		rest.Op(op("POST /customers", "createCustomer", "Make a customer").And("POST /customers", web.Till,
			"An identity that belongs to somebody else is refused with 409. To change who is there already, use upsertCustomer.").Making(), d.apiMake),
		rest.Op(op("GET /customers/{customer}", "getCustomer", "Read a customer").And("", web.Viewer,
			"One who was merged answers as the customer who lives on: compare the id."), d.apiShow),
		rest.Op(op("PATCH /customers/{customer}", "changeCustomer", "Change a customer's own fields").And("POST /customers/{customer}", web.Agent,
			"A JSON merge patch: what is left out stays, null empties."), d.apiChange),
		rest.Op(op("GET /customers-by/{kind}/{value}", "findCustomer", "Find a customer by an identity"), d.apiFind),
		rest.Op(op("PUT /customers-by/external/{external}", "upsertCustomer", "Make or complete the customer with an id of your own").And("", web.Agent,
			"The id is written with its system before it: shop:1234. Whoever has it, or one of the identities sent, is brought up to what is sent: "+
				"fields replace, lists grow, what is left out stays. If nobody has, a customer is made."), d.apiUpsert),
		rest.Op(op("POST /customers/bulk", "upsertCustomers", "Make or complete up to 200 customers").And("", web.Agent,
			"Each as by upsertCustomer. What is wrong with one does not keep back the others: read result of each.").Repeating(), d.apiBulk),
	}
	return append(append(all, d.apiParts(op)...), d.apiCare(op)...)
}

// apiBy says that a program does it, in the name of its key's owner.
func apiBy(c *rest.Call) By { return By{Actor: c.Staff.ID, Source: "api"} }

type apiListInput struct {
	rest.Page
	rest.Fields[apiListedCustomer]
	Query      string `query:"q" maxLength:"100" doc:"Part of a name, an email, a phone, a card or an id; at most 200 are found"`
	Tag        string `query:"tag" maxLength:"80"`
	Language   string `query:"language" maxLength:"35"`
	Country    string `query:"country" maxLength:"2"`
	Consent    string `query:"consent" enum:"email,sms,post,phone,profiling" doc:"A channel they agreed to"`
	JoinedFrom string `query:"from" maxLength:"10" format:"date" doc:"Day they joined"`
	JoinedTo   string `query:"to" maxLength:"10" format:"date"`
	LastFrom   string `query:"last_from" maxLength:"10" format:"date" doc:"Day of the last order"`
	LastTo     string `query:"last_to" maxLength:"10" format:"date"`
	OrdersFrom int    `query:"orders_from" minimum:"0" maximum:"1000000"`
	OrdersTo   int    `query:"orders_to" minimum:"0" maximum:"1000000"`
	SpendFrom  int64  `query:"spend_from" minimum:"0" doc:"In the smallest unit of the business's currency"`
	SpendTo    int64  `query:"spend_to" minimum:"0"`
	Sort       string `query:"sort" enum:"found,name,joined,orders,spend,last" doc:"found (the best first) where q is given and nothing is said, else name"`
	Desc       bool   `query:"desc" doc:"The other way round"`
}

func (d desk) apiList(c *rest.Call, in *apiListInput) (*rest.Listing[apiListedCustomer], error) {
	sort := in.Sort
	switch {
	case in.Query == "" && (sort == "" || sort == Found):
		sort = "name"
	case sort == "":
		sort = Found
	}
	page, err := List(c.Context(), d.db, Filter{Query: in.Query, Tag: in.Tag, Language: in.Language, Country: in.Country, Consent: in.Consent,
		JoinedFrom: in.JoinedFrom, JoinedTo: in.JoinedTo, LastFrom: in.LastFrom, LastTo: in.LastTo,
		OrdersFrom: in.OrdersFrom, OrdersTo: in.OrdersTo, SpendFrom: in.SpendFrom, SpendTo: in.SpendTo},
		Order{Sort: sort, Desc: in.Desc, After: in.After, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return rest.Pageful(page.Rows, page.Next, apiListed), nil
}

// profile turns what a program sent into a profile.
func (d desk) profile(c *rest.Call, a APIProfile) (Profile, error) {
	p := Profile{Name: a.Name, Given: a.Given, Family: a.Family, Language: a.Language, Country: a.Country, History: a.History, Tags: a.Tags, Source: "api", Actor: c.Staff.ID}
	shop, err := workspace.Load(c.Context(), d.db)
	if err != nil {
		return p, err
	}
	p.Region = cmp.Or(a.Country, shop.Country) // a phone is written as in their country, else the business's own
	p.JoinedAt = c.Now
	if a.JoinedAt != nil {
		p.JoinedAt = *a.JoinedAt
	}
	if p.JoinedAt.After(c.Now.Add(time.Hour)) || p.JoinedAt.Year() < 1900 {
		return p, errs.Wrong("joined_at", "customers.wrong.api-joined")
	}
	p.JoinedDay = p.JoinedAt.In(c.Zone()).Format(time.DateOnly)
	for _, i := range a.Identities {
		p.Identities = append(p.Identities, i.identity())
	}
	for _, t := range a.Tastes {
		p.Tastes = append(p.Tastes, Taste(t))
	}
	for _, v := range a.Dates {
		p.Dates = append(p.Dates, v.date())
	}
	for _, v := range a.Addresses {
		p.Addresses = append(p.Addresses, v.address(0))
	}
	for _, v := range a.Consents {
		p.Consents = append(p.Consents, v.consent(c.Staff.ID))
	}
	return p, nil
}

type apiMakeInput struct{ Body APIProfile }

func (d desk) apiMake(c *rest.Call, in *apiMakeInput) (*rest.One[apiCustomer], error) {
	p, err := d.profile(c, in.Body)
	if err != nil {
		return nil, err
	}
	var now apiCustomer
	err = c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		made, err := Create(ctx, tx, p)
		if err != nil {
			return atProfile(err)
		}
		c.About = made
		if err := auditAPI(ctx, tx, c.Staff.ID, made, nil); err != nil {
			return err
		}
		now, err = readAPI(ctx, tx, made)
		return err
	})
	return rest.Show(c, now, err)
}

// atProfile leads an error about an identity to the list they stand in.
func atProfile(err error) error {
	switch errs.FieldOf(err) {
	case Email, Phone, Card, External:
		return errs.In("identities", err)
	}
	return err
}

type apiShowInput struct {
	Customer rest.ID[id.Customer] `path:"customer"`
	rest.Fields[apiCustomer]
}

func (d desk) apiShow(c *rest.Call, in *apiShowInput) (*rest.One[apiCustomer], error) {
	lives, err := Resolve(c.Context(), d.db, in.Customer.Of)
	if err != nil {
		return nil, err
	}
	now, err := readAPI(c.Context(), d.db, lives)
	return rest.Show(c, now, err)
}

type apiFindInput struct {
	Kind  string `path:"kind" enum:"email,phone,card,external"`
	Value string `path:"value" maxLength:"254" doc:"In any form in which it may be written"`
	rest.Fields[apiCustomer]
}

func (d desk) apiFind(c *rest.Call, in *apiFindInput) (*rest.One[apiCustomer], error) {
	shop, err := workspace.Load(c.Context(), d.db)
	if err != nil {
		return nil, err
	}
	i, err := Normalise(Identity{in.Kind, in.Value}, shop.Country)
	if err != nil {
		return nil, errs.Of(errs.NotFound, err, "customers.wrong.api-unknown")
	}
	found, ok, err := Find(c.Context(), d.db, i)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errs.Missing("customers.wrong.api-unknown")
	}
	now, err := readAPI(c.Context(), d.db, found)
	return rest.Show(c, now, err)
}

// apiDo changes the customer of an address, who may have been merged, and
// answers with how they are now.
func (d desk) apiDo(c *rest.Call, asked id.Customer, match rest.IfMatch, change change) (*rest.One[apiCustomer], error) {
	var now apiCustomer
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		lives, err := Resolve(ctx, tx, asked)
		if err != nil {
			return err
		}
		if match.Match != "" {
			if err := Lock(ctx, tx, lives); err != nil {
				return err
			}
			if now, err = readAPI(ctx, tx, lives); err != nil {
				return err
			}
			if err := match.Check(now); err != nil {
				return err
			}
		}
		if err := change(ctx, tx, lives); err != nil {
			return err
		}
		c.About = lives
		now, err = readAPI(ctx, tx, lives)
		return err
	})
	return rest.Show(c, now, err)
}

// apiEdit is apiDo with a line in the audit log of what is different then.
func (d desk) apiEdit(c *rest.Call, asked id.Customer, match rest.IfMatch, change change) (*rest.One[apiCustomer], error) {
	return d.apiDo(c, asked, match, audited(c.Staff.ID, "customer.changed", change))
}

// auditAPI writes into the audit log what a program made or completed.
func auditAPI(ctx context.Context, tx *store.Tx, by id.User, who id.Customer, before []field) error {
	now, err := picture(ctx, tx, who)
	if err != nil {
		return err
	}
	action := "customer.changed"
	if before == nil {
		action = "customer.added"
	}
	values := differences(before, now)
	if len(values) == 0 {
		return nil
	}
	return Audit(ctx, tx, who, users.Change{By: by, Action: action, Values: values})
}

type apiChangeInput struct {
	Customer rest.ID[id.Customer] `path:"customer"`
	rest.IfMatch
	Body apiPatch `contentType:"application/merge-patch+json"`
}

type apiPatch struct {
	Name     rest.Field[string] `json:"name,omitzero" maxLength:"200"`
	Given    rest.Field[string] `json:"given,omitzero" maxLength:"200"`
	Family   rest.Field[string] `json:"family,omitzero" maxLength:"200"`
	Language rest.Field[string] `json:"language,omitzero" maxLength:"35"`
	Country  rest.Field[string] `json:"country,omitzero" maxLength:"2"`
}

func (d desk) apiChange(c *rest.Call, in *apiChangeInput) (*rest.One[apiCustomer], error) {
	return d.apiEdit(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		if err := Lock(ctx, tx, to); err != nil { // before what is kept is read
			return err
		}
		was, err := ByID(ctx, tx, to)
		if err != nil {
			return err
		}
		e := Edit{Name: was.Name, Given: was.Given, Family: was.Family, Language: was.Language, Country: was.Country}
		for _, f := range []struct {
			sent rest.Field[string]
			to   *string
		}{{in.Body.Name, &e.Name}, {in.Body.Given, &e.Given}, {in.Body.Family, &e.Family}, {in.Body.Language, &e.Language}, {in.Body.Country, &e.Country}} {
			f.sent.Into(f.to)
		}
		return Change(ctx, tx, to, apiBy(c), e)
	})
}
