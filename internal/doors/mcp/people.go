package mcp

import (
	"context"
	"slices"
	"strconv"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"regulars/internal/know/customers"
	"regulars/internal/know/facts"
	"regulars/internal/know/orders"
	"regulars/internal/know/timeline"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/text"
	"regulars/internal/platform/workspace"
)

// most is how many lines an answer has at most.
const most = 50

// Amount is money: text to show, and minor units (cents; whole won) to compute
// with.
type Amount struct {
	Text     string         `json:"text"`
	Minor    int64          `json:"minor"`
	Currency money.Currency `json:"currency"`
}

func (a asking) amount(minor int64, c money.Currency) Amount {
	return Amount{a.print.Money(money.Amount{Minor: minor, Currency: c}), minor, c}
}

// brief is a number with no more digits than anybody reads.
func brief(v float64) float64 {
	short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	if err != nil {
		return v
	}
	return short
}

// Person is a customer in a line. Without the scope customers:read there is the
// id alone.
type Person struct {
	ID    string `json:"id"`
	Page  string `json:"page" jsonschema:"where a person sees all of them"`
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	Phone string `json:"phone,omitempty"`
}

func (a asking) people(s *sdk.Server) {
	offer(a, s, tool{"find_customer", "Find a customer", "Finds customers by the beginning of a name, an email address, a phone number or a card, the best match first.", "customers:read"}, a.find)
	offer(a, s, tool{"customer", "A customer", "Tells what is known of one customer: who they are, what they bought, how likely they are to come back and when, and what happened lately.", "customers:read"}, a.customer)
	offer(a, s, tool{"orders_of", "A customer's orders", "Lists the latest orders and returns of one customer.", "orders:read"}, a.ordersOf)
	offer(a, s, tool{"subscriptions", "Subscriptions", "Lists what customers pay under contract: of everybody or of one customer, those that run, or those of which notice was given.", "orders:read"}, a.subscriptions)
	offer(a, s, tool{"subscription", "A subscription", "Tells of one subscription: what it is, what it was from when on, and which periods were paid for.", "orders:read"}, a.subscription)
	offer(a, s, tool{"products", "Products", "Finds products by words of their name or by SKU.", "products:read"}, a.products)
	offer(a, s, tool{"product", "A product's figures", "Tells how a product sells: by month, who buys it, how many come back for it, what is returned.", "products:read"}, a.product)
}

type findIn struct {
	Query string `json:"query" jsonschema:"what is known of them: the beginning of a name, an email, a phone number"`
	Limit int    `json:"limit,omitempty" jsonschema:"at most so many, up to 50; usually 10"`
}

type findOut struct {
	Customers []Person `json:"customers"`
}

func bounded(n, usual int) int {
	if n <= 0 {
		return usual
	}
	return min(n, most)
}

func (a asking) find(ctx context.Context, in findIn) (findOut, error) {
	out := findOut{Customers: []Person{}}
	found, err := customers.Search(ctx, a.DB, text.Short(in.Query, 200), bounded(in.Limit, 10))
	if err != nil {
		return out, err
	}
	ids := make([]id.Customer, len(found))
	for i, c := range found {
		ids[i] = c.ID
	}
	people, err := a.named(ctx, ids)
	for i, c := range found {
		people[i].Email, people[i].Phone = c.Email, c.Phone
		out.Customers = append(out.Customers, people[i])
	}
	return out, err
}

type customerIn struct {
	Customer string `json:"customer" jsonschema:"the id of a customer: cus_…"`
}

// who reads the id of a customer, whoever they have become.
func (a asking) who(ctx context.Context, shown string) (id.Customer, error) {
	c, err := id.ParseCustomer(shown)
	if err != nil {
		return 0, errs.Wrong("customer", "mcp.wrong.customer")
	}
	return customers.Resolve(ctx, a.DB, c)
}

type customerOut struct {
	Person
	Language string     `json:"language,omitempty"`
	Country  string     `json:"country,omitempty"`
	Since    string     `json:"since"` // the day they joined
	Erased   bool       `json:"erased,omitempty"`
	Tags     []string   `json:"tags"`
	MayBe    []string   `json:"may_be_reached_by"` // channels they agreed to
	Bought   boughtOut  `json:"bought"`
	Expected *scoreOut  `json:"expected,omitempty"` // missing: they have not bought, or nothing is known yet
	Lately   []eventOut `json:"lately"`
}

type boughtOut struct {
	Orders     int64   `json:"orders"`
	Spent      Amount  `json:"spent"`
	Refunded   Amount  `json:"refunded"`
	FirstDay   string  `json:"first_day,omitempty"`
	LastDay    string  `json:"last_day,omitempty"`
	EveryDays  float64 `json:"every_days,omitempty"` // the mean of the days between purchases
	KeptLate   int64   `json:"promises_broken,omitempty"`
	Cancelled  int64   `json:"cancellations,omitempty"`
	Unvalued   int64   `json:"waiting_for_a_rate,omitempty"`
	LastPlaced string  `json:"last_channel,omitempty"`
}

type scoreOut struct {
	AsOf      string  `json:"as_of,omitempty"`
	Alive     float64 `json:"chance_to_be_a_customer_still,omitempty"`
	Returns   float64 `json:"chance_of_a_visit_within_a_year,omitempty"`
	Purchases float64 `json:"expected_purchases_within_a_year,omitempty"`
	Value     *Amount `json:"expected_value_within_a_year,omitempty"`
	DueDay    string  `json:"due_day,omitempty"`
	Late      bool    `json:"late"`
	EveryDays float64 `json:"usual_gap_days,omitempty"`
	Group     string  `json:"group,omitempty"`
}

type eventOut struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
}

func (a asking) score(s scores.Score, c money.Currency) *scoreOut {
	out := &scoreOut{AsOf: s.AsOfDay, Alive: brief(s.Alive), Returns: brief(s.Return), Purchases: brief(s.Purchases), DueDay: s.DueDay, Late: s.Late,
		EveryDays: brief(s.Gap), Group: s.Group}
	if s.HasValue {
		value := a.amount(s.Value, c)
		out.Value = &value
	}
	return out
}

func (a asking) customer(ctx context.Context, in customerIn) (customerOut, error) {
	out := customerOut{Tags: []string{}, MayBe: []string{}, Lately: []eventOut{}}
	if a.Compute != nil {
		if err := a.Compute(ctx); err != nil {
			return out, err
		}
	}
	c, err := a.who(ctx, in.Customer)
	if err != nil {
		return out, err
	}
	shop, err := workspace.Load(ctx, a.DB)
	if err != nil {
		return out, err
	}
	who, err := customers.ByID(ctx, a.DB, c)
	if err != nil {
		return out, err
	}
	names, err := customers.Names(ctx, a.DB, a.print, c)
	if err != nil {
		return out, err
	}
	page, err := a.page(ctx, "/customers")
	if err != nil {
		return out, err
	}
	out.Person = Person{c.String(), page + "/" + c.String(), names[c], who.Email, who.Phone}
	out.Language, out.Country, out.Since, out.Erased = who.Language, who.Country, who.JoinedDay, !who.ErasedAt.IsZero()
	if out.Tags, err = customers.Tags(ctx, a.DB, c); err != nil {
		return out, err
	}
	for _, channel := range customers.Channels {
		yes, err := customers.Allows(ctx, a.DB, c, channel)
		if err != nil {
			return out, err
		}
		if yes {
			out.MayBe = append(out.MayBe, channel)
		}
	}
	f, err := facts.Of(ctx, a.DB, c)
	if err != nil {
		return out, err
	}
	out.Bought = boughtOut{Orders: f.Orders, Spent: a.amount(f.Spend, shop.Currency), Refunded: a.amount(f.Refunded, shop.Currency),
		FirstDay: f.FirstOrderDay, LastDay: f.LastOrderDay, EveryDays: f.MeanGapDays, KeptLate: f.PromisesMissed, Cancelled: f.Cancellations,
		Unvalued: f.Unvalued, LastPlaced: f.LastChannel}
	if s, ok, err := scores.Of(ctx, a.DB, c); err != nil {
		return out, err
	} else if ok {
		out.Expected = a.score(s, shop.Currency)
	}
	out.Lately, err = a.lately(ctx, c)
	return out, err
}

// lately is the latest of a customer's timeline, each event in its sentence.
func (a asking) lately(ctx context.Context, c id.Customer) ([]eventOut, error) {
	all, err := timeline.List(ctx, a.DB, c, timeline.Filter{Limit: 20})
	out := make([]eventOut, 0, len(all))
	for _, e := range all {
		line, err := a.Kinds.Tell(a.print, e)
		if err != nil {
			return nil, err
		}
		out = append(out, eventOut{e.OccurredAt, e.Kind, text.Short(line.Text, 300)})
	}
	return out, err
}

type ordersIn struct {
	Customer string `json:"customer" jsonschema:"the id of a customer: cus_…"`
	Limit    int    `json:"limit,omitempty" jsonschema:"at most so many, up to 50; usually 20"`
}

type ordersOut struct {
	Orders []orderOut `json:"orders"`
}

type orderOut struct {
	ID        string    `json:"id"`
	Number    string    `json:"number"`
	Day       string    `json:"day"`
	Return    bool      `json:"return,omitempty"`
	Total     Amount    `json:"total"`
	Refunded  *Amount   `json:"refunded,omitempty"`
	Items     int64     `json:"items"`
	Channel   string    `json:"channel,omitempty"`
	Promised  string    `json:"promised_day,omitempty"`
	Delivered string    `json:"delivered_day,omitempty"`
	Cancelled bool      `json:"cancelled,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Lines     []lineOut `json:"lines,omitempty"`
}

type lineOut struct {
	Product string  `json:"product"`
	Name    string  `json:"name"`
	Pieces  float64 `json:"pieces"`
	Total   Amount  `json:"total"`
}

// withLines is of how many orders the lines are told.
const withLines = 10

func (a asking) ordersOf(ctx context.Context, in ordersIn) (ordersOut, error) {
	out := ordersOut{Orders: []orderOut{}}
	c, err := a.who(ctx, in.Customer)
	if err != nil {
		return out, err
	}
	all, err := orders.Of(ctx, a.DB, c, bounded(in.Limit, 20))
	if err != nil {
		return out, err
	}
	for i, o := range all {
		x := orderOut{ID: o.ID.String(), Number: o.Number, Day: o.Day, Return: o.Return, Total: a.amount(o.Total, o.Currency), Items: o.Items,
			Channel: o.Channel, Promised: o.PromisedDay, Delivered: o.DeliveredDay, Cancelled: o.Cancelled(), Reason: o.Reason}
		if o.Refunded != 0 {
			back := a.amount(o.Refunded, o.Currency)
			x.Refunded = &back
		}
		if i < withLines {
			if x.Lines, err = a.lines(ctx, o); err != nil {
				return out, err
			}
		}
		out.Orders = append(out.Orders, x)
	}
	return out, nil
}

func (a asking) lines(ctx context.Context, o orders.Order) ([]lineOut, error) {
	all, err := orders.Lines(ctx, a.DB, o)
	if err != nil {
		return nil, err
	}
	all = all[:min(len(all), most)]
	ids := make([]id.Product, len(all))
	for i, l := range all {
		ids[i] = l.Product
	}
	products, err := orders.Products(ctx, a.DB, slices.Compact(slices.Sorted(slices.Values(ids))))
	if err != nil {
		return nil, err
	}
	out := make([]lineOut, len(all))
	for i, l := range all {
		out[i] = lineOut{l.Product.String(), products[l.Product].Name, float64(l.Quantity) / 1000, a.amount(l.Total, o.Currency)}
	}
	return out, nil
}

// named are the customers of a list, by name only where the caller may see
// customers.
func (a asking) named(ctx context.Context, ids []id.Customer) ([]Person, error) {
	people := make([]Person, len(ids))
	page, err := a.page(ctx, "/customers")
	if err != nil {
		return people, err
	}
	for i, c := range ids {
		people[i].ID, people[i].Page = c.String(), page+"/"+c.String()
	}
	if !a.May("customers:read") {
		return people, nil
	}
	names, err := customers.Names(ctx, a.DB, a.print, ids...)
	for i, c := range ids {
		people[i].Name = names[c]
	}
	return people, err
}

// page is the address of a page of ours; only its path where nobody has said
// at which address people reach us.
func (a asking) page(ctx context.Context, path string) (string, error) {
	if a.Address == nil {
		return path, nil
	}
	base, err := a.Address(ctx)
	return base + path, err
}
