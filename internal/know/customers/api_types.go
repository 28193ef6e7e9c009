package customers

import (
	"context"
	"fmt"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Prefixes of ids that only the API shows.
const (
	notePrefix    = "nte"
	addressPrefix = "adr"
	mergePrefix   = "mrg"
)

// APIBase is what the API tells of a customer in a list and alone.
type APIBase struct {
	ID        id.Customer `json:"id" doc:"Stays the same for ever"`
	Name      string      `json:"name"`
	Given     string      `json:"given"`
	Family    string      `json:"family"`
	Language  string      `json:"language" doc:"Of their messages: cs"`
	Country   string      `json:"country" doc:"ISO 3166: CZ"`
	Email     string      `json:"email" doc:"The main one"`
	Phone     string      `json:"phone" doc:"The main one, E.164"`
	JoinedAt  time.Time   `json:"joined_at"`
	JoinedDay string      `json:"joined_day"`
	Source    string      `json:"source" doc:"Who brought them: staff, import, api…"`
	CreatedAt time.Time   `json:"created_at"`
	ChangedAt time.Time   `json:"changed_at"`
}

func (c Customer) apiBase() APIBase {
	return APIBase{c.ID, c.Name, c.Given, c.Family, c.Language, c.Country, c.Email, c.Phone, c.JoinedAt, c.JoinedDay, c.Source, c.CreatedAt, c.ChangedAt}
}

// apiListedCustomer is a line of the list.
type apiListedCustomer struct {
	APIBase
	Orders       int64  `json:"orders" doc:"How often they bought"`
	SpendMinor   int64  `json:"spend_minor" doc:"For how much, in the smallest unit of the business's currency"`
	LastOrderDay string `json:"last_order_day" doc:"Empty: never"`
}

func apiListed(l Listed) apiListedCustomer {
	return apiListedCustomer{l.apiBase(), l.Orders, l.SpendMinor, l.LastOrderDay}
}

// apiCustomer is a customer with all that staff know of them.
type apiCustomer struct {
	APIBase
	Identities []apiKnown   `json:"identities"`
	Tags       []string     `json:"tags"`
	Tastes     []apiTaste   `json:"tastes"`
	Dates      []apiDate    `json:"dates"`
	Addresses  []apiAddress `json:"addresses"`
	Agreed     []string     `json:"agreed" doc:"The channels of which their last word is yes"`
	ErasedAt   *time.Time   `json:"erased_at,omitempty" doc:"They were erased on request: nothing but figures is left"`
}

type apiKnown struct {
	Kind  string `json:"kind" enum:"email,phone,card,external"`
	Value string `json:"value" doc:"As it is compared: an email in lower case, a phone in E.164"`
	Main  bool   `json:"main"`
}

type apiIdentity struct {
	Kind  string `json:"kind" enum:"email,phone,card,external"`
	Value string `json:"value" minLength:"1" maxLength:"254" doc:"An id of another system is written shop:1234" example:"ana@example.com"`
}

func (i apiIdentity) identity() Identity { return Identity(i) }

type apiTaste struct {
	Kind  string `json:"kind" enum:"music,sport,hobby,food,cause"`
	Label string `json:"label" minLength:"1" maxLength:"80"`
}

type apiDate struct {
	Kind     string `json:"kind" enum:"birthday,name_day,anniversary"`
	Label    string `json:"label,omitempty" maxLength:"80" doc:"Of an anniversary: what of"`
	MonthDay string `json:"month_day" maxLength:"5" doc:"MM-DD" example:"05-17"`
	Year     int    `json:"year,omitempty" minimum:"0" maximum:"2200" doc:"0: not known"`
}

func (d apiDate) date() Date { return Date(d) }

// APIPlace is an address as a program tells of it.
type APIPlace struct {
	Recipient string `json:"recipient,omitempty" maxLength:"200" doc:"Empty: the customer"`
	Street    string `json:"street,omitempty" maxLength:"500" doc:"One or several lines"`
	City      string `json:"city,omitempty" maxLength:"200"`
	Region    string `json:"region,omitempty" maxLength:"200"`
	Postcode  string `json:"postcode,omitempty" maxLength:"20"`
	Country   string `json:"country,omitempty" maxLength:"2" doc:"ISO 3166"`
}

func (a APIPlace) address(n int64) Address {
	return Address{n, a.Recipient, a.Street, a.City, a.Region, a.Postcode, a.Country}
}

type apiAddress struct {
	ID string `json:"id"`
	APIPlace
}

type apiConsent struct {
	Channel string     `json:"channel" enum:"email,sms,post,phone,profiling"`
	Given   bool       `json:"given" doc:"Yes or no"`
	At      *time.Time `json:"at,omitempty" doc:"When the person decided; left out: now"`
	Place   string     `json:"place,omitempty" maxLength:"200" doc:"Where: a page's address, the till. Needed for a yes"`
	Words   string     `json:"words,omitempty" maxLength:"10000" doc:"What they agreed to, word for word. Needed for a yes"`
}

func (c apiConsent) consent(author id.User) Consent {
	d := Consent{Channel: c.Channel, Given: c.Given, Place: c.Place, Words: c.Words, Author: author}
	if c.At != nil {
		d.At = *c.At
	}
	return d
}

// APIProfile is what a program tells of a customer.
type APIProfile struct {
	Name       string        `json:"name,omitempty" maxLength:"200" doc:"As they are addressed; left out: given and family" example:"Ana Nováková"`
	Given      string        `json:"given,omitempty" maxLength:"200"`
	Family     string        `json:"family,omitempty" maxLength:"200"`
	Language   string        `json:"language,omitempty" maxLength:"35" example:"cs"`
	Country    string        `json:"country,omitempty" maxLength:"2" example:"CZ"`
	JoinedAt   *time.Time    `json:"joined_at,omitempty" doc:"Left out: now. Of a customer who is there already it stays as it was"`
	History    bool          `json:"history,omitempty" doc:"This is old news: it starts no play and no message"`
	Identities []apiIdentity `json:"identities,omitempty" maxItems:"20" doc:"By what they are known. Each belongs to one customer only"`
	Tags       []string      `json:"tags,omitempty" maxItems:"50" maxLength:"80"`
	Tastes     []apiTaste    `json:"tastes,omitempty" maxItems:"50"`
	Dates      []apiDate     `json:"dates,omitempty" maxItems:"20"`
	Addresses  []APIPlace    `json:"addresses,omitempty" maxItems:"10"`
	Consents   []apiConsent  `json:"consents,omitempty" maxItems:"10"`
}

// readAPI reads a customer as the API shows them.
func readAPI(ctx context.Context, q store.Querier, asked id.Customer) (apiCustomer, error) {
	c, err := ByID(ctx, q, asked)
	if err != nil {
		return apiCustomer{}, err
	}
	a := apiCustomer{APIBase: c.apiBase(), Identities: []apiKnown{}, Tags: []string{}, Tastes: []apiTaste{}, Dates: []apiDate{}, Addresses: []apiAddress{}, Agreed: []string{}}
	if !c.ErasedAt.IsZero() {
		a.ErasedAt = &c.ErasedAt
		return a, nil
	}
	known, err := Identities(ctx, q, c)
	if err != nil {
		return a, err
	}
	for _, k := range known {
		a.Identities = append(a.Identities, apiKnown{k.Kind, k.Value, k.Main})
	}
	tags, err := Tags(ctx, q, c.ID)
	if err != nil {
		return a, fmt.Errorf("read the tags of %s: %w", c.ID, err)
	}
	a.Tags = append(a.Tags, tags...)
	tastes, err := Tastes(ctx, q, c.ID)
	if err != nil {
		return a, fmt.Errorf("read the tastes of %s: %w", c.ID, err)
	}
	for _, t := range tastes {
		a.Tastes = append(a.Tastes, apiTaste(t))
	}
	dates, err := Dates(ctx, q, c.ID)
	if err != nil {
		return a, fmt.Errorf("read the dates of %s: %w", c.ID, err)
	}
	for _, d := range dates {
		a.Dates = append(a.Dates, apiDate(d))
	}
	addresses, err := Addresses(ctx, q, c.ID)
	if err != nil {
		return a, fmt.Errorf("read the addresses of %s: %w", c.ID, err)
	}
	for _, w := range addresses {
		a.Addresses = append(a.Addresses, apiAddress{id.Show(addressPrefix, w.ID), APIPlace{w.Recipient, w.Street, w.City, w.Region, w.Postcode, w.Country}})
	}
	agreed, err := agreed(ctx, q, c.ID)
	a.Agreed = append(a.Agreed, agreed...)
	return a, err
}

// apiPart reads an id that stands for a part of a customer.
func apiPart(prefix, s string, missing error) (int64, error) {
	n, err := id.Parse(prefix, s)
	if err != nil {
		return 0, missing
	}
	return n, nil
}
