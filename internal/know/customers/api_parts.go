package customers

import (
	"context"
	"slices"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
)

// apiParts are the operations on what hangs on a customer. Each answers with
// the customer as they are then.
func (d desk) apiParts(op func(pattern, name, summary string) rest.Operation) []rest.Operation {
	const at = "/customers/{customer}"
	return []rest.Operation{
		rest.Op(op("POST "+at+"/notes", "addNote", "Write a note").And("POST "+at+"/notes", web.Till, ""), d.apiNote),
		rest.Op(op("DELETE "+at+"/notes/{note}", "removeNote", "Take back the text of a note or a call").And("POST "+at+"/notes/{note}/removal", web.Agent,
			"That there was one stays on the timeline."), d.apiRemoveNote),
		rest.Op(op("POST "+at+"/calls", "logCall", "Write down a call").And("POST "+at+"/calls", web.Till, ""), d.apiCall),
		rest.Op(op("PUT "+at+"/tags/{tag}", "addTag", "Give a tag").And("POST "+at+"/tags", web.Till, ""), d.apiTag),
		rest.Op(op("DELETE "+at+"/tags/{tag}", "removeTag", "Take a tag away").And("POST "+at+"/tags/removal", web.Till, ""), d.apiUntag),
		rest.Op(op("GET /tags", "listTags", "List the tags in use"), d.apiTags),
		rest.Op(op("PUT "+at+"/tastes/{kind}/{label}", "addTaste", "Note what they like").And("POST "+at+"/tastes", web.Till, ""), d.apiLike),
		rest.Op(op("DELETE "+at+"/tastes/{kind}/{label}", "removeTaste", "Take a taste away").And("POST "+at+"/tastes/removal", web.Till, ""), d.apiUnlike),
		rest.Op(op("PUT "+at+"/dates", "setDate", "Note a birthday or another date").And("POST "+at+"/dates", web.Till,
			"A second one of the same kind and label replaces the first."), d.apiDate),
		rest.Op(op("DELETE "+at+"/dates/{kind}", "removeDate", "Forget a date").And("POST "+at+"/dates/removal", web.Till, ""), d.apiDropDate),
		rest.Op(op("GET "+at+"/consents", "listConsents", "List every yes and no, with its proof"), d.apiConsents),
		rest.Op(op("POST "+at+"/consents", "addConsent", "Write down a yes or a no").And("POST "+at+"/consents", web.Till,
			"The latest decision of a channel holds. A yes needs its place and its words."), d.apiConsent),
		rest.Op(op("POST "+at+"/identities", "addIdentity", "Add an identity").And("POST "+at+"/identities", web.Agent, ""), d.apiClaim),
		rest.Op(op("DELETE "+at+"/identities/{kind}/{value}", "removeIdentity", "Take an identity away").And("POST "+at+"/identities/removal", web.Agent,
			"Somebody else can have it then."), d.apiRelease),
		rest.Op(op("PUT "+at+"/identities/{kind}/{value}/main", "preferIdentity", "Make an email or a phone the main one").And("POST "+at+"/identities/preference", web.Agent, ""), d.apiPrefer),
		rest.Op(op("PUT "+at+"/emails/{email}/reachability", "reviveEmail", "Say that a dead email works again").And("POST "+at+"/reachability", web.Till, ""), d.apiRevive),
		rest.Op(op("POST "+at+"/addresses", "addAddress", "Add an address").And("POST "+at+"/addresses", web.Agent, ""), d.apiAddAddress),
		rest.Op(op("PUT "+at+"/addresses/{address}", "changeAddress", "Write an address anew").And("", web.Agent, ""), d.apiChangeAddress),
		rest.Op(op("DELETE "+at+"/addresses/{address}", "removeAddress", "Forget an address").And("POST "+at+"/addresses/removal", web.Agent, ""), d.apiDropAddress),
	}
}

// apiOf is the customer of an address, for inputs to embed.
type apiOf = rest.ID[id.Customer]

type apiNoteInput struct {
	Customer apiOf `path:"customer"`
	rest.IfMatch
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"10000"`
	}
}

func (d desk) apiNote(c *rest.Call, in *apiNoteInput) (*rest.One[apiCustomer], error) {
	return d.apiEdit(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		return errs.In("text", Note(ctx, tx, to, apiBy(c), in.Body.Text))
	})
}

type apiNoteOf struct {
	Customer apiOf  `path:"customer"`
	Note     string `path:"note" maxLength:"17" doc:"As the event of the timeline names it"`
	rest.IfMatch
}

func (d desk) apiRemoveNote(c *rest.Call, in *apiNoteOf) (*rest.One[apiCustomer], error) {
	note, err := apiPart(notePrefix, in.Note, errs.Missing("customers.wrong.no-note"))
	if err != nil {
		return nil, err
	}
	return d.apiEdit(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		return RemoveNote(ctx, tx, to, apiBy(c), note)
	})
}

type apiCallInput struct {
	Customer apiOf `path:"customer"`
	rest.IfMatch
	Body struct {
		Direction string     `json:"direction" enum:"out,in" doc:"in: the customer called"`
		Outcome   string     `json:"outcome" enum:"reached,no_answer,message,wrong_number"`
		Text      string     `json:"text,omitempty" maxLength:"10000" doc:"What was said"`
		At        *time.Time `json:"at,omitempty" doc:"Left out: now"`
	}
}

func (d desk) apiCall(c *rest.Call, in *apiCallInput) (*rest.One[apiCustomer], error) {
	call := Call{Direction: in.Body.Direction, Outcome: in.Body.Outcome, Body: in.Body.Text}
	if in.Body.At != nil {
		call.At = *in.Body.At
	}
	return d.apiEdit(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		return LogCall(ctx, tx, to, apiBy(c), call)
	})
}

type apiTagOf struct {
	Customer apiOf  `path:"customer"`
	Tag      string `path:"tag" minLength:"1" maxLength:"80"`
	rest.IfMatch
}

func (d desk) apiTag(c *rest.Call, in *apiTagOf) (*rest.One[apiCustomer], error) {
	return d.apiEdit(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		return Tag(ctx, tx, to, apiBy(c), in.Tag)
	})
}

func (d desk) apiUntag(c *rest.Call, in *apiTagOf) (*rest.One[apiCustomer], error) {
	return d.apiEdit(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		return Untag(ctx, tx, to, apiBy(c), in.Tag)
	})
}

// apiTagName is a tag of the business.
type apiTagName struct {
	Tag string `json:"tag"`
}

func (d desk) apiTags(c *rest.Call, in *rest.Short[apiTagName]) (*rest.Listing[apiTagName], error) {
	var after string
	if err := rest.ReadCursor(in.After, &after); err != nil {
		return nil, err
	}
	all, err := TagsAfter(c.Context(), d.db, after, in.Limit+1)
	all, next := rest.Next(in.Page, all, func(t string) any { return t })
	return rest.Pageful(all, next, func(t string) apiTagName { return apiTagName{t} }), err
}

type apiTasteOf struct {
	Customer apiOf  `path:"customer"`
	Kind     string `path:"kind" enum:"music,sport,hobby,food,cause"`
	Label    string `path:"label" minLength:"1" maxLength:"80"`
	rest.IfMatch
}

func (d desk) apiLike(c *rest.Call, in *apiTasteOf) (*rest.One[apiCustomer], error) {
	return d.apiEdit(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		return Like(ctx, tx, to, apiBy(c), Taste{in.Kind, in.Label})
	})
}

func (d desk) apiUnlike(c *rest.Call, in *apiTasteOf) (*rest.One[apiCustomer], error) {
	return d.apiEdit(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		return Unlike(ctx, tx, to, apiBy(c), Taste{in.Kind, in.Label})
	})
}

type apiDateInput struct {
	Customer apiOf `path:"customer"`
	rest.IfMatch
	Body apiDate
}

func (d desk) apiDate(c *rest.Call, in *apiDateInput) (*rest.One[apiCustomer], error) {
	return d.apiEdit(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		return SetDate(ctx, tx, to, apiBy(c), in.Body.date())
	})
}

type apiDateOf struct {
	Customer apiOf  `path:"customer"`
	Kind     string `path:"kind" enum:"birthday,name_day,anniversary"`
	Label    string `query:"label" maxLength:"80" doc:"Of an anniversary"`
	rest.IfMatch
}

func (d desk) apiDropDate(c *rest.Call, in *apiDateOf) (*rest.One[apiCustomer], error) {
	return d.apiEdit(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		return DropDate(ctx, tx, to, apiBy(c), in.Kind, in.Label)
	})
}

// apiProof is a line of the consent log.
type apiProof struct {
	Channel string    `json:"channel"`
	Given   bool      `json:"given"`
	At      time.Time `json:"at"`
	Place   string    `json:"place"`
	Words   string    `json:"words"`
	Source  string    `json:"source"`
	Author  string    `json:"author" doc:"Who wrote it down; empty: the person alone"`
}

type apiCustomerOf struct {
	Customer apiOf `path:"customer"`
}

func (d desk) apiConsents(c *rest.Call, in *struct {
	Customer apiOf `path:"customer"`
	rest.Short[apiProof]
}) (*rest.Listing[apiProof], error) {
	lives, err := Resolve(c.Context(), d.db, in.Customer.Of)
	if err != nil {
		return nil, err
	}
	all, err := Proofs(c.Context(), d.db, lives)
	newest := func(p Proof) string { return rest.Newest(p.At.UnixMicro()) + rest.Newest(p.ID) }
	return rest.Cut(in.Page, all, newest, func(p Proof) apiProof {
		author := ""
		if p.Author != 0 {
			author = p.Author.String()
		}
		return apiProof{p.Channel, p.Given, p.At, p.Place, p.Words, p.Source, author}
	}, err)
}

type apiConsentInput struct {
	Customer apiOf `path:"customer"`
	rest.IfMatch
	Body apiConsent
}

func (d desk) apiConsent(c *rest.Call, in *apiConsentInput) (*rest.One[apiCustomer], error) {
	return d.apiEdit(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		return Decide(ctx, tx, to, apiBy(c), in.Body.consent(c.Staff.ID))
	})
}

type apiIdentityInput struct {
	Customer apiOf `path:"customer"`
	rest.IfMatch
	Body apiIdentity
}

func (d desk) apiClaim(c *rest.Call, in *apiIdentityInput) (*rest.One[apiCustomer], error) {
	return d.apiEdit(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		return errs.In("value", Claim(ctx, tx, to, apiBy(c), in.Body.identity()))
	})
}

type apiIdentityOf struct {
	Customer apiOf  `path:"customer"`
	Kind     string `path:"kind" enum:"email,phone,card,external"`
	Value    string `path:"value" minLength:"1" maxLength:"254"`
	rest.IfMatch
}

// known brings an identity of an address into its stored form.
func (in *apiIdentityOf) known(ctx context.Context, tx *store.Tx, to id.Customer) (Identity, error) {
	who, err := ByID(ctx, tx, to)
	if err != nil {
		return Identity{}, err
	}
	i, err := Normalise(Identity{in.Kind, in.Value}, who.Country)
	if err != nil {
		return i, errs.Of(errs.NotFound, nil, "customers.wrong.api-identity")
	}
	return i, nil
}

func (d desk) apiRelease(c *rest.Call, in *apiIdentityOf) (*rest.One[apiCustomer], error) {
	return d.apiEdit(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		i, err := in.known(ctx, tx, to)
		if err != nil {
			return err
		}
		return Release(ctx, tx, to, apiBy(c), i)
	})
}

func (d desk) apiPrefer(c *rest.Call, in *apiIdentityOf) (*rest.One[apiCustomer], error) {
	return d.apiEdit(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		i, err := in.known(ctx, tx, to)
		if err != nil {
			return err
		}
		return Prefer(ctx, tx, to, apiBy(c), i)
	})
}

type apiEmailOf struct {
	Customer apiOf  `path:"customer"`
	Email    string `path:"email" minLength:"1" maxLength:"254"`
	rest.IfMatch
}

func (d desk) apiRevive(c *rest.Call, in *apiEmailOf) (*rest.One[apiCustomer], error) {
	return d.apiEdit(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		return Revive(ctx, tx, to, apiBy(c), in.Email)
	})
}

type apiAddressInput struct {
	Customer apiOf `path:"customer"`
	rest.IfMatch
	Body APIPlace
}

func (d desk) apiAddAddress(c *rest.Call, in *apiAddressInput) (*rest.One[apiCustomer], error) {
	return d.apiEdit(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		return WriteAddress(ctx, tx, to, apiBy(c), in.Body.address(0))
	})
}

type apiAddressOf struct {
	Customer apiOf  `path:"customer"`
	Address  string `path:"address" maxLength:"17"`
	rest.IfMatch
}

type apiAddressAnew struct {
	Customer apiOf  `path:"customer"`
	Address  string `path:"address" maxLength:"17"`
	rest.IfMatch
	Body APIPlace
}

func (d desk) apiChangeAddress(c *rest.Call, in *apiAddressAnew) (*rest.One[apiCustomer], error) {
	address, err := apiPart(addressPrefix, in.Address, errs.Missing("customers.wrong.no-address"))
	if err != nil {
		return nil, err
	}
	return d.apiEdit(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		all, err := Addresses(ctx, tx, to)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(a Address) bool { return a.ID == address }) {
			return errs.Missing("customers.wrong.no-address")
		}
		return WriteAddress(ctx, tx, to, apiBy(c), in.Body.address(address))
	})
}

func (d desk) apiDropAddress(c *rest.Call, in *apiAddressOf) (*rest.One[apiCustomer], error) {
	address, err := apiPart(addressPrefix, in.Address, errs.Missing("customers.wrong.no-address"))
	if err != nil {
		return nil, err
	}
	return d.apiEdit(c, in.Customer.Of, in.IfMatch, func(ctx context.Context, tx *store.Tx, to id.Customer) error {
		return DropAddress(ctx, tx, to, apiBy(c), address)
	})
}
