package importers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// plainSubscriptions is the layout of any list of subscriptions whose columns
// are called what they hold.
var plainSubscriptions = Layout{
	Name: "subscriptions",
	Columns: map[Field][]string{
		Subscription: {"subscription id", "subscription", "subscription number", "contract id", "contract", "contract number", "id"},
		Customer:     {"customer id", "customer", "customer number", "client id", "user id"},
		Email:        {"email", "e-mail", "customer email", "email address", "billing email"},
		Phone:        {"phone", "customer phone", "phone number"},
		Name:         {"customer name", "name", "full name"},
		Given:        {"first name"}, Family: {"last name"}, Country: {"country"},
		Plan:        {"plan", "plan name", "product", "product name", "membership", "item"},
		Interval:    {"interval", "billing interval", "billing period", "period", "billing cycle", "frequency", "interval unit"},
		Every:       {"interval count", "every"},
		PeriodPrice: {"amount", "recurring amount", "price", "total", "subscription amount"},
		Price:       {"unit price", "unit amount", "price of one"},
		Quantity:    {"quantity", "qty", "seats"},
		Currency:    {"currency", "currency code"},
		Status:      {"status", "state", "subscription status"},
		Started:     {"started", "started at", "started on", "start", "start date", "starts at", "created", "created at", "subscribed at"},
		Ended:       {"ended", "ended at", "ended on", "end", "end date", "ends at", "canceled", "cancelled", "canceled at", "cancelled at", "canceled on", "cancelled on", "cancellation date"},
		TrialEnd:    {"trial end", "trial ends", "trial ends at", "trial end date", "trial until"},
		PaidUntil:   {"paid until", "paid up to", "next payment", "next payment date", "next billing date", "renews at", "expires at", "current period end"},
		Reason:      {"reason", "cancellation reason", "cancel reason"},
	},
	Needs: []Field{Plan, Interval, PeriodPrice, Started},
}

// stripeSubscriptions is the layout of Stripe's export of subscriptions. Its
// amount is the price of one.
var stripeSubscriptions = Layout{
	Name: "stripe-subscriptions",
	Columns: map[Field][]string{
		Subscription: {"id"}, Customer: {"Customer ID"}, Email: {"Customer Email"}, Name: {"Customer Name"},
		Plan: {"Plan Name", "Plan Nickname", "Product Name", "Product", "Plan"}, Quantity: {"Quantity"}, Currency: {"Currency"},
		Interval: {"Interval", "Plan Interval"}, Every: {"Interval Count", "Plan Interval Count"}, Price: {"Amount", "Plan Amount"}, Status: {"Status"},
		Started: {"Start Date (UTC)", "Created (UTC)", "Start (UTC)"}, Ended: {"Ended At (UTC)"},
		TrialEnd: {"Trial End (UTC)"}, PaidUntil: {"Current Period End (UTC)"}, Reason: {"Cancellation Feedback", "Cancellation Reason"},
	},
	Needs:  []Field{Subscription, Customer, Interval, Price, Status, Started},
	Source: "stripe",
	UTC:    true,
}

// subscribes reports whether the file tells of subscriptions.
func (l Layout) subscribes() bool {
	return slices.ContainsFunc([]Field{Subscription, Plan, Interval, PeriodPrice}, func(f Field) bool { return len(l.Columns[f]) > 0 })
}

// checkSubscriptions says what a layout lacks to tell of subscriptions.
func (l Layout) checkSubscriptions(has func(Field) bool, known bool) error {
	switch {
	case !known:
		return errs.Wrong("email", "importers.wrong.choose-subscriber")
	case !has(PeriodPrice) && !has(Price):
		return errs.Wrong("period_price", "importers.wrong.choose-period-price")
	case !has(Interval):
		return errs.Wrong("interval", "importers.wrong.choose-interval")
	case !has(Started):
		return errs.Wrong("started", "importers.wrong.choose-started")
	}
	return nil
}

// Contract is the subscription that a row tells of.
type Contract struct {
	External string
	made     bool // the file has no id of it: External is made of the row
	unnamed  bool // its plan is an id and no name
	orders.Terms
}

// String is the contract in words, for whoever checks a mapping.
func (c *Contract) String() string {
	s := fmt.Sprintf("%s, %s, %s %s every %d %s, since %s", c.Plan, c.Status, c.Currency, money.Amount{Minor: c.Amount, Currency: c.Currency}.Decimal(),
		c.Every, c.Unit, c.StartedAt.Format(time.DateOnly))
	for _, end := range []time.Time{c.CancelAt, c.EndedAt} {
		if !end.IsZero() {
			s += " until " + end.Format(time.DateOnly)
		}
	}
	return s
}

// readContract reads what a row tells of a subscription.
func (r *reader) readContract(rec *Record, row sheet.Row) error {
	if !rec.Person.known() {
		return r.bad(Email, errs.Wrong("", "importers.wrong.no-subscriber"))
	}
	c := &Contract{}
	if status, ok := subscriptionStatuses[plainName(r.cell(row, Status))]; ok && status == "" {
		rec.Skip = true // the first payment was never made
		return nil
	}
	steps := []func(*Record, *Contract, sheet.Row) error{r.readPeriod, r.readPeriodPrice, r.readTimes, r.readStanding, r.readName}
	for _, step := range steps {
		if err := step(rec, c, row); err != nil {
			return err
		}
	}
	news := orders.SubscriptionNews{Source: "import", External: c.External, At: r.asOf, Terms: c.Terms}
	if err := orders.CheckSubscription(news, r.asOf); err != nil {
		return badCell{"", err}
	}
	rec.Contract, rec.Joined = c, c.StartedAt
	return nil
}

// readPeriod reads what a period is.
func (r *reader) readPeriod(_ *Record, c *Contract, row sheet.Row) error {
	cell := r.cell(row, Interval)
	period, ok := parsePeriod(cell)
	if !ok {
		return r.bad(Interval, errs.Wrong("", "importers.wrong.interval", "Cell", text.Short(cell, 40)))
	}
	c.Unit, c.Every = period.unit, period.every
	if cell := r.cell(row, Every); cell != "" {
		n, err := r.whole(Every, cell)
		if err != nil {
			return err
		}
		if n < 1 || n > 1000 {
			return r.bad(Every, errs.Wrong("", "importers.wrong.whole", "Cell", text.Short(cell, 40)))
		}
		c.Every *= n
	}
	return nil
}

// whole reads a whole number.
func (r *reader) whole(f Field, cell string) (int64, error) {
	n, err := sheet.ParseQuantity(cell, r.settings.Mark)
	if err != nil {
		return 0, r.bad(f, err)
	}
	v, exact, err := n.Minor(0)
	if err != nil || !exact {
		return 0, r.bad(f, errs.Wrong("", "importers.wrong.whole", "Cell", text.Short(cell, 40)))
	}
	return v, nil
}

// readPeriodPrice reads what is paid each period, for all of the quantity.
func (r *reader) readPeriodPrice(rec *Record, c *Contract, row sheet.Row) error {
	c.Quantity = 1
	if cell := r.cell(row, Quantity); cell != "" {
		n, err := r.whole(Quantity, cell)
		if err != nil {
			return err
		}
		if n < 1 || n > 1e9 {
			return r.bad(Quantity, errs.Wrong("", "importers.wrong.whole", "Cell", text.Short(cell, 40)))
		}
		c.Quantity = n
	}
	field, times := PeriodPrice, int64(1)
	if r.cell(row, PeriodPrice) == "" && r.has(Price) {
		field, times = Price, c.Quantity
	}
	cell := r.cell(row, field)
	if cell == "" {
		return r.bad(field, errs.Wrong("", "importers.wrong.no-period-price"))
	}
	a, err := sheet.ParseAmount(cell, r.settings.Mark)
	if err != nil {
		return r.bad(field, err)
	}
	if sign, err := money.ParseCurrency(a.Currency); err == nil && len(a.Currency) == 3 {
		if named := r.cell(row, Currency); named == "" {
			rec.Currency = sign
		} else if sign != rec.Currency {
			return r.bad(Currency, errs.Wrong("", "importers.wrong.currencies", "Amount", string(sign), "Currency", string(rec.Currency)))
		}
	}
	c.Currency = rec.Currency
	v, err := money.FromDecimal(a.Units, a.Scale, c.Currency)
	if err != nil || v > 1e15/times {
		return r.bad(field, errs.Wrong("", "importers.wrong.amount-large"))
	}
	if v < 0 {
		return r.bad(field, errs.Wrong("", "importers.wrong.period-price-negative"))
	}
	c.Amount = v * times
	return nil
}

// moment reads a time of a row; zero: there is none.
func (r *reader) moment(row sheet.Row, f Field) (time.Time, error) {
	cell := r.cell(row, f)
	if cell == "" {
		return time.Time{}, nil
	}
	when, err := sheet.ParseTime(cell, r.settings.Dates)
	if err != nil {
		return time.Time{}, r.bad(f, err)
	}
	return when.In(r.zone).UTC(), nil
}

func (r *reader) readTimes(_ *Record, c *Contract, row sheet.Row) (err error) {
	for _, of := range []struct {
		field Field
		to    *time.Time
	}{{Started, &c.StartedAt}, {Ended, &c.EndedAt}, {TrialEnd, &c.TrialEnd}, {PaidUntil, &c.PeriodEnd}} {
		if *of.to, err = r.moment(row, of.field); err != nil {
			return err
		}
	}
	switch {
	case c.StartedAt.IsZero():
		return r.bad(Started, errs.Wrong("", "importers.wrong.no-start"))
	case c.StartedAt.After(r.asOf):
		return r.bad(Started, errs.Wrong("", "importers.wrong.starts-later"))
	case !c.EndedAt.IsZero() && c.EndedAt.Before(c.StartedAt):
		return r.bad(Ended, errs.Wrong("", "importers.wrong.ended-before"))
	}
	return nil
}

// readStanding works out what the subscription is as of the file: who gave
// notice has it until then, and what has ended says since when.
func (r *reader) readStanding(_ *Record, c *Contract, row sheet.Row) error {
	cell := r.cell(row, Status)
	status, known := subscriptionStatuses[plainName(cell)]
	if cell == "" {
		status, known = orders.Active, true
		if c.TrialEnd.After(r.asOf) {
			status = orders.Trialing
		}
	}
	if !known {
		return r.bad(Status, errs.Wrong("", "importers.wrong.subscription-status", "Cell", text.Short(cell, 40)))
	}
	if err := r.stripeNotice(c, row, status); err != nil {
		return err
	}
	if status == noticed {
		if status = orders.Ended; c.EndedAt.IsZero() {
			c.EndedAt = c.PeriodEnd
		}
	}
	over := !c.EndedAt.IsZero() && !c.EndedAt.After(r.asOf)
	switch {
	case status == orders.Ended && c.EndedAt.IsZero():
		return r.bad(Ended, errs.Wrong("", "importers.wrong.no-end"))
	case status == orders.Ended && !over: // they will not renew, and have it until then
		status = orders.Active
	case over && status != orders.Ended && cell != "" && c.CancelAt.IsZero():
		return r.bad(Ended, errs.Wrong("", "importers.wrong.ended-alive", "Status", text.Short(cell, 40)))
	case over:
		status = orders.Ended
	}
	c.Status, c.CancelAt = status, time.Time{}
	if status != orders.Ended {
		c.CancelAt, c.EndedAt = c.EndedAt, time.Time{}
	}
	if status == orders.Ended || !c.CancelAt.IsZero() {
		c.Reason = leaving(r.cell(row, Reason))
	}
	return nil
}

// stripeNotice knows of Stripe that what was called off is over when it has
// ended, or else with its period.
func (r *reader) stripeNotice(c *Contract, row sheet.Row, status string) error {
	if r.layout.Name != stripeSubscriptions.Name || !c.EndedAt.IsZero() {
		return nil
	}
	moment := func(plain string) (time.Time, error) {
		cell := r.other(row, plain)
		if cell == "" {
			return time.Time{}, nil
		}
		when, err := sheet.ParseTime(cell, r.settings.Dates)
		if err != nil {
			return time.Time{}, badCell{r.names[r.others[plain]], err}
		}
		return when.In(r.zone).UTC(), nil
	}
	called, err := moment("canceledatutc")
	if err != nil {
		return err
	}
	at, err := moment("cancelatutc")
	if err != nil {
		return err
	}
	atEnd, _ := sheet.ParseBool(r.other(row, "cancelatperiodend"))
	switch {
	case status == orders.Ended:
		c.EndedAt = called
	case !at.IsZero():
		c.EndedAt, c.CancelAt = at, at
	case atEnd || !called.IsZero():
		c.EndedAt, c.CancelAt = c.PeriodEnd, c.PeriodEnd
	}
	if !c.EndedAt.IsZero() && c.EndedAt.Before(c.StartedAt) {
		return badCell{"", errs.Wrong("", "importers.wrong.ended-before")}
	}
	return nil
}

// readName reads what the subscription is called, and by what it is known.
func (r *reader) readName(rec *Record, c *Contract, row sheet.Row) error {
	c.Plan = r.planOf(row)
	c.unnamed = c.Plan == "" || isStripeID(c.Plan)
	c.External = strings.TrimPrefix(r.cell(row, Subscription), "'")
	if c.External != "" {
		var err error
		if c.External, err = sheet.CleanID(c.External); err != nil {
			return r.bad(Subscription, err)
		}
		return nil
	}
	if r.has(Subscription) {
		return r.bad(Subscription, errs.Wrong("", "importers.wrong.no-subscription"))
	}
	p := rec.Person
	who := []string{p.External, strings.ToLower(p.Email), p.Phone, p.Card}
	h := sha256.Sum256([]byte(strings.Join(append(who, c.Plan, strconv.FormatInt(c.StartedAt.Unix(), 10)), "\x00")))
	c.External, c.made = "row-"+hex.EncodeToString(h[:10]), true
	return nil
}

// planOf is the first of the columns of the plan that is a name, else an id.
func (r *reader) planOf(row sheet.Row) string {
	columns := r.instead[Plan]
	if i, ok := r.at[Plan]; ok {
		columns = append([]int{i}, columns...)
	}
	id := ""
	for _, i := range columns {
		switch cell := strings.TrimPrefix(strings.TrimSpace(row.Cell(i)), "'"); {
		case cell == "":
		case !isStripeID(cell):
			return cell
		case id == "" || strings.HasPrefix(id, "prod_"):
			id = cell
		}
	}
	return id
}

func isStripeID(s string) bool {
	return strings.HasPrefix(s, "price_") || strings.HasPrefix(s, "plan_") || strings.HasPrefix(s, "prod_")
}

// subscriptions writes what the slice tells of subscriptions, as of when the
// file first came in.
func (p *placer) subscriptions(ctx context.Context, tx *store.Tx, s *slice, people []id.Customer) (orders.Subscribers, error) {
	var news []orders.SubscriptionNews
	for _, t := range s.contracts {
		n := orders.SubscriptionNews{Customer: people[t.person], Source: p.source(), External: t.contract.External, At: p.asOf,
			Terms: t.contract.Terms, History: true, Import: p.im.ID}
		if !t.contract.made {
			was, found, err := orders.SubscriptionAt(ctx, tx, n.Source, n.External, n.At)
			if err != nil {
				return orders.Subscribers{}, err
			}
			if found {
				t.fill(&n.Terms, was)
			}
		}
		news = append(news, n)
	}
	return orders.SubscribeMany(ctx, tx, news)
}

// fill takes what the file has no word of from what was told before.
func (t contracted) fill(n *orders.Terms, was orders.Terms) {
	if t.contract.unnamed && was.Plan != "" {
		n.Plan = was.Plan
	}
	if !t.trials {
		n.TrialEnd = was.TrialEnd
	}
	if !t.paid {
		n.PeriodEnd = was.PeriodEnd
	}
	leaves := func(t orders.Terms) bool { return t.Status == orders.Ended || !t.CancelAt.IsZero() }
	if leaves(*n) && leaves(was) {
		n.Note = was.Note
		if n.Reason == "" {
			n.Reason = was.Reason
		}
	}
}

// contracted is a subscription of a slice, and what its file has columns for.
type contracted struct {
	person       int // in slice.people
	contract     *Contract
	trials, paid bool
}

// firstTold is when the very file, read in the same way, came in first and was
// not undone: what it says was so then, however often it comes.
func firstTold(ctx context.Context, q store.Querier, im Import) (time.Time, error) {
	all, err := store.All(ctx, q, scan, `select `+columns+` from imports where file_hash = $1 and state <> 'undone' and state <> 'waiting' order by id limit 100`, im.Hash)
	if err != nil {
		return im.CreatedAt, fmt.Errorf("look for an earlier import: %w", err)
	}
	for _, other := range all {
		if other.State != Undoing && other.Settings.same(im.Settings) && other.CreatedAt.Before(im.CreatedAt) {
			return other.CreatedAt, nil
		}
	}
	return im.CreatedAt, nil
}
