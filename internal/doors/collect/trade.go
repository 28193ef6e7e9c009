package collect

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"regulars/internal/know/facts"
	"regulars/internal/know/orders"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
)

// trades are the events that make, change and undo orders.
var trades = map[string]string{
	"order completed": completed, "completed order": completed,
	"order updated": updated, "updated order": updated,
	"order refunded": refunded, "refunded order": refunded,
	"order cancelled": cancelled, "order canceled": cancelled, "cancelled order": cancelled,
}

const (
	completed = "completed"
	updated   = "updated"
	refunded  = "refunded"
	cancelled = "cancelled"
)

// trade says which of trades a message is; empty: none. Without the id of an
// order it is an event like any other.
func (m *message) trade() (kind, number string) {
	if m.kind != "track" {
		return "", ""
	}
	if kind = trades[folded(m.name)]; kind == "" {
		return "", ""
	}
	if number = said(m.properties, "orderId"); number == "" || len(number) > 100 {
		return "", ""
	}
	return kind, number
}

// account is what one message tells of an order. Amounts are as they were
// written: what they are in is known only when all was told.
type account struct {
	Currency string    `json:"currency,omitempty"`
	Total    string    `json:"total,omitempty"` // all that is paid
	Revenue  string    `json:"revenue,omitempty"`
	Shipping string    `json:"shipping,omitempty"`
	Tax      string    `json:"tax,omitempty"`
	Discount string    `json:"discount,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Products []product `json:"products,omitempty"`
}

type product struct {
	SKU      string `json:"sku"`
	Name     string `json:"name,omitempty"`
	Category string `json:"category,omitempty"`
	Price    string `json:"price,omitempty"`
	Quantity string `json:"quantity,omitempty"`
}

// maxProducts is how many lines an order may have.
const maxProducts = 500

func readAccount(o object) account {
	a := account{Currency: said(o, "currency"), Total: decimal(o, "total"), Revenue: decimal(o, "revenue"), Shipping: decimal(o, "shipping"),
		Tax: decimal(o, "tax"), Discount: decimal(o, "discount"), Reason: cut(said(o, "reason"), 200)}
	list, _ := o["products"].([]any)
	for _, v := range list[:min(len(list), maxProducts)] {
		p, ok := v.(object)
		if !ok {
			continue
		}
		sku := cmp.Or(said(p, "sku"), said(p, "productId"), said(p, "id"), said(p, "name"))
		if sku == "" {
			continue
		}
		a.Products = append(a.Products, product{cut(sku, 100), cut(said(p, "name"), 200), cut(said(p, "category"), 100), decimal(p, "price"), decimal(p, "quantity")})
	}
	return a
}

func cut(s string, n int) string {
	r := []rune(s)
	return string(r[:min(len(r), n)])
}

// decimal is a number without an exponent, or nothing.
func decimal(o object, name string) string {
	s := strings.ReplaceAll(said(o, name), " ", "")
	if _, _, ok := parseDecimal(s); ok {
		return s
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f > 1e12 || f < -1e12 || f != f {
		return ""
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// parseDecimal reads units × 10^-scale.
func parseDecimal(s string) (units int64, scale int, ok bool) {
	whole, part, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if len(part) > 6 {
		part = part[:6]
	}
	if whole+part == "" || len(whole) > 12 {
		return 0, 0, false
	}
	n, err := strconv.ParseUint(whole+part, 10, 63)
	if err != nil {
		return 0, 0, false
	}
	units = int64(n)
	if strings.HasPrefix(s, "-") {
		units = -units
	}
	return units, len(part), true
}

// chapter is one row of what was told of an order.
type chapter struct {
	message  string
	told     string
	at       time.Time
	customer id.Customer
	account  account
}

// trade notes what messages tell of orders, and makes those orders anew.
func (t *telling) trade(ctx context.Context) error {
	touched := map[string]Source{}
	spaces := map[string]Source{}
	b := t.tx.Bulk(ctx, "collect_orders", "number, message, told, occurred_at, visitor, customer_id, origin_customer_id, account", "on conflict (number, message) do nothing")
	for _, m := range t.told {
		spaces[m.source.Space] = m.source
		if m.told == "" {
			continue
		}
		key := m.source.Space + ":" + m.order
		touched[key] = m.source
		body, err := json.Marshal(readAccount(m.properties))
		if err != nil {
			return err
		}
		visitorKey, who := "", any(nil)
		if m.visitor != nil {
			visitorKey = m.visitor.key
		}
		if m.customer != 0 {
			who = int64(m.customer)
		}
		id := cmp.Or(m.id, strconv.FormatInt(t.tx.NewID(), 36))
		if err := b.Add(key, id, m.told, m.at.UnixMicro(), visitorKey, who, nil, string(body)); err != nil {
			return err
		}
	}
	if err := b.Close(); err != nil {
		return fmt.Errorf("note what was told of %d orders: %w", len(touched), err)
	}
	found, err := t.ordersOfVisitors(ctx)
	if err != nil {
		return err
	}
	for _, key := range found {
		space, _, _ := strings.Cut(key, ":")
		touched[key] = spaces[space]
	}
	for _, key := range slices.Sorted(maps.Keys(touched)) {
		if err := t.restate(ctx, touched[key], key); err != nil {
			return err
		}
	}
	return nil
}

// ordersOfVisitors gives what visitors bought to the customers they turned out
// to be, and returns the numbers.
func (t *telling) ordersOfVisitors(ctx context.Context) ([]string, error) {
	var found []string
	for _, key := range slices.Sorted(maps.Keys(t.visitors)) {
		v := t.visitors[key]
		if !v.changed || v.customer == 0 {
			continue
		}
		numbers, err := store.All(ctx, t.tx, store.Scalar[string], `
			select distinct number from collect_orders where visitor = $1 and customer_id is null order by number`, key)
		if err != nil {
			return nil, err
		}
		if len(numbers) == 0 {
			continue
		}
		if _, err := t.tx.Exec(ctx, `update collect_orders set customer_id = $1 where visitor = $2 and customer_id is null`, int64(v.customer), key); err != nil {
			return nil, fmt.Errorf("give a visitor's orders to their customer: %w", err)
		}
		found = append(found, numbers...)
	}
	return found, nil
}

// restate makes an order what all that was told of it comes to.
func (t *telling) restate(ctx context.Context, s Source, key string) error {
	all, err := chapters(ctx, t.tx, key)
	if err != nil {
		return err
	}
	_, number, _ := strings.Cut(key, ":")
	story, ok := readStory(all)
	if !ok {
		return nil // a refund of an order nobody told of yet: it waits
	}
	a, err := t.account(ctx, s, number, story)
	if err != nil {
		return err
	}
	done, err := orders.Restate(ctx, t.tx, a)
	if err != nil {
		return err
	}
	if err := facts.Mark(ctx, t.tx, done.Stale...); err != nil {
		return err
	}
	return scores.Mark(ctx, t.tx, done.Stale...)
}

func chapters(ctx context.Context, q store.Querier, key string) ([]chapter, error) {
	return store.All(ctx, q, func(rows *sql.Rows) (c chapter, err error) {
		var at int64
		var who sql.NullInt64
		var body string
		if err = rows.Scan(&c.message, &c.told, &at, &who, &body); err != nil {
			return c, err
		}
		c.at, c.customer = time.UnixMicro(at).UTC(), id.Customer(who.Int64)
		return c, json.Unmarshal([]byte(body), &c.account)
	}, `select message, told, occurred_at, customer_id, account from collect_orders where number = $1
		order by occurred_at, message limit 500`, key)
}

// story is an order as its chapters tell it, whatever order they came in.
type story struct {
	at          time.Time // of the first account
	customer    id.Customer
	latest      account // amounts and products
	cancelledAt time.Time
	reason      string
	refunds     []chapter
}

// readStory is false while nobody told what was ordered.
func readStory(all []chapter) (story, bool) {
	var s story
	told := false
	for _, c := range all { // in the order of time
		if s.customer == 0 {
			s.customer = c.customer
		}
		if c.told == refunded {
			s.refunds = append(s.refunds, c)
			continue
		}
		if c.told == cancelled && s.cancelledAt.IsZero() {
			s.cancelledAt, s.reason = c.at, cmp.Or(c.account.Reason, "other")
		}
		if len(c.account.Products) == 0 && c.account.Total == "" && c.account.Revenue == "" {
			continue
		}
		if !told || c.told == completed && c.at.Before(s.at) {
			s.at = c.at
		}
		told, s.latest = true, c.account
	}
	return s, told
}

// account is the story in the words of orders.
func (t *telling) account(ctx context.Context, s Source, number string, st story) (orders.Account, error) {
	currency, err := money.ParseCurrency(strings.ToUpper(st.latest.Currency))
	if err != nil {
		currency = "" // the business's own
	}
	history := t.tx.Now.Sub(st.at) > fresh
	w := wording{t: t, currency: currency}
	if w.currency == "" {
		if err := t.tx.QueryRow(ctx, `select coalesce((select currency from workspace where id = 1), 'EUR')`).Scan(&w.currency); err != nil {
			return orders.Account{}, err
		}
	}
	sale := orders.Sale{Customer: st.customer, Number: number, Keys: []string{number}, Source: s.Space, At: st.at, Currency: currency,
		Channel: "online", CancelledAt: st.cancelledAt, Reason: st.reason, History: history}
	if err := w.fill(ctx, &sale, st.latest); err != nil {
		return orders.Account{}, err
	}
	a := orders.Account{Sale: sale}
	left := total(sale)
	for _, r := range st.refunds {
		back := orders.Sale{Number: number + "-" + short(r.message), Keys: []string{number + "/" + r.message}, At: r.at, Currency: currency,
			Channel: "online", Reason: cmp.Or(r.account.Reason, "other"), History: t.tx.Now.Sub(r.at) > fresh}
		if err := w.fill(ctx, &back, r.account); err != nil {
			return a, err
		}
		back.Discount, back.Shipping, back.Tax = 0, 0, 0
		if len(back.Lines) == 0 && back.Whole == nil {
			whole := left // all that is left of it
			back.Whole, back.Lines = &whole, sale.Lines
			if len(st.refunds) > 1 {
				back.Lines = nil
			}
		}
		if total(back) <= 0 {
			continue
		}
		left -= total(back)
		a.Back = append(a.Back, back)
	}
	return a, nil
}

// short makes a number of a return that a person can read: the end of the
// message's id.
func short(message string) string {
	if len(message) > 8 {
		return message[len(message)-8:]
	}
	return message
}

func total(s orders.Sale) int64 {
	if s.Whole != nil {
		return *s.Whole
	}
	sum := s.Shipping + s.Tax - s.Discount
	for _, l := range s.Lines {
		sum += l.Total
	}
	return sum
}

// wording turns what was written into lines and amounts.
type wording struct {
	t        *telling
	currency money.Currency
}

func (w wording) minor(s string) (int64, bool) {
	units, scale, ok := parseDecimal(s)
	if !ok {
		return 0, false
	}
	v, err := money.FromDecimal(units, scale, w.currency)
	return v, err == nil
}

func (w wording) fill(ctx context.Context, s *orders.Sale, a account) error {
	var news []orders.NewProduct
	for _, p := range a.Products {
		news = append(news, orders.NewProduct{SKU: p.SKU, Name: p.Name, Category: p.Category})
	}
	ids, err := orders.EnsureProducts(ctx, w.t.tx, news)
	if err != nil {
		return err
	}
	for _, p := range a.Products {
		price, scale, ok := parseDecimal(p.Price)
		if !ok {
			price, scale = 0, 0
		}
		quantity, places, ok := parseDecimal(p.Quantity)
		if !ok || quantity == 0 {
			quantity, places = 1, 0
		}
		milli, err := money.FromDecimal(quantity, places, "KWD") // three decimals, as thousandths are
		if err != nil {
			continue
		}
		line, err := orders.NewLine(ids[p.SKU], milli, price, scale, w.currency)
		if err == nil {
			s.Lines = append(s.Lines, line)
		}
	}
	s.Shipping, _ = w.minor(a.Shipping)
	s.Tax, _ = w.minor(a.Tax)
	s.Discount, _ = w.minor(a.Discount)
	if whole, ok := w.minor(a.Total); ok {
		s.Whole = &whole
	} else if revenue, ok := w.minor(a.Revenue); ok {
		whole := revenue + s.Shipping + s.Tax
		s.Whole = &whole
	}
	s.Rough = len(s.Lines) == 0
	return nil
}
