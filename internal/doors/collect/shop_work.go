package collect

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/facts"
	"regulars/internal/know/orders"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/workspace"
)

// freshFor is how long after it happened something still starts plays and
// messages.
const freshFor = 48 * time.Hour

// shops works what shops deliver.
type shops struct {
	tables []customers.Table
	read   shopReader
}

func (k shops) work(ctx context.Context, tx *store.Tx, parts []Part) error {
	settings, err := workspace.Load(ctx, tx)
	if err != nil {
		return err
	}
	w := shopWork{shops: k, tx: tx, zone: settings.Location(), region: settings.Country, groups: map[string]bool{}}
	for _, p := range parts {
		if err := w.part(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// shopWork is the working of some deliveries in one transaction.
type shopWork struct {
	shops
	tx     *store.Tx
	zone   *time.Location
	region string // of phones without a country's code
	source Source
	groups map[string]bool // of orders that are to be made anew
}

// space is whose ids and numbers the source tells.
func (w *shopWork) space() string { return w.source.Space }

func (w *shopWork) by(at time.Time) customers.By {
	return customers.By{Source: w.space(), History: w.old(at)}
}

// old reports whether something is too long ago to start anything.
func (w *shopWork) old(at time.Time) bool { return w.tx.Now.Sub(at) > freshFor }

func (w *shopWork) part(ctx context.Context, p Part) error {
	w.source = p.From
	if p.Delivery != "" {
		fresh, err := unseen(ctx, w.tx, p.Source, []string{p.Delivery})
		if err != nil || !fresh[p.Delivery] {
			return err
		}
	}
	n, err := w.read(p.Parcel, w.zone)
	if err != nil {
		return err
	}
	if n.Ignored != "" {
		return count(ctx, w.tx, p.Source, countIgnored+n.Ignored, 1)
	}
	if len(n.Products) > 0 {
		if _, err := orders.EnsureProducts(ctx, w.tx, n.Products); err != nil {
			return err
		}
	}
	for i := range n.People {
		if _, err := w.meet(ctx, &n.People[i]); err != nil {
			return err
		}
	}
	for i := range n.Subscriptions {
		if err := w.subscribe(ctx, &n.Subscriptions[i]); err != nil {
			return err
		}
	}
	clear(w.groups)
	for i := range n.Pieces {
		p := &n.Pieces[i]
		if err := w.keep(ctx, p); err != nil {
			return err
		}
		if p.Renewal == nil {
			continue
		}
		delete(w.groups, p.Group)
		if err := w.renew(ctx, p.Group); err != nil {
			return err
		}
	}
	for _, group := range sortedKeys(w.groups) {
		if err := w.make(ctx, group); err != nil {
			return fmt.Errorf("make an order of %s anew: %w", w.source.ID, err)
		}
	}
	if n.Ask != nil {
		return w.ask(ctx, n.Ask)
	}
	return nil
}

func sortedKeys(m map[string]bool) []string {
	all := make([]string, 0, len(m))
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// keep keeps a piece, unless a later one of the same thing is there.
func (w *shopWork) keep(ctx context.Context, p *piece) error {
	customer, err := w.buyer(ctx, p)
	if err != nil {
		return err
	}
	told, err := json.Marshal(p)
	if err != nil {
		return err
	}
	var version int64
	var had string
	var whose sql.NullInt64
	err = w.tx.QueryRow(ctx, `select version, told, customer_id from collect_pieces where group_id = $1 and space = $2 and piece = $3`,
		p.Group, w.space(), p.Name).Scan(&version, &had, &whose)
	switch {
	case err == sql.ErrNoRows:
	case err != nil:
		return fmt.Errorf("read a piece of an order: %w", err)
	case !p.newer(version, []byte(had)):
		if whose.Valid || customer == 0 {
			return nil
		}
		p.Version, told = version, []byte(had)
	case customer == 0:
		customer = id.Customer(whose.Int64)
	}
	_, err = w.tx.Exec(ctx, `
		insert into collect_pieces (group_id, space, piece, version, told, customer_id, origin_customer_id) values ($1, $2, $3, $4, $5, $6, null)
		on conflict (group_id, space, piece) do update set version = excluded.version, told = excluded.told, customer_id = excluded.customer_id`,
		p.Group, w.space(), p.Name, p.Version, string(told), nullID(int64(customer)))
	if err != nil {
		return fmt.Errorf("keep a piece of an order: %w", err)
	}
	w.groups[p.Group] = true
	return nil
}

func nullID(v int64) any {
	if v == 0 {
		return nil
	}
	return v
}

// buyer is the customer whom a piece names; 0: nobody. Who was erased does not
// come back with what the shop tells of what they once bought.
func (w *shopWork) buyer(ctx context.Context, p *piece) (id.Customer, error) {
	if !p.Who.known() {
		return 0, nil
	}
	if p.Sale != nil {
		o, found, err := orders.Find(ctx, w.tx, w.space(), "", p.Sale.Keys...)
		if err != nil {
			return 0, err
		}
		if found && o.Customer != 0 {
			who, err := customers.ByID(ctx, w.tx, o.Customer)
			if err != nil || !who.ErasedAt.IsZero() {
				return 0, err
			}
		}
	}
	return w.meet(ctx, p.Who)
}

// kept is a piece with the customer whom it named.
type kept struct {
	piece
	customer id.Customer
}

// pieces reads those of a group, and of the payments among them, whose refunds
// name them and not their order.
func (w *shopWork) pieces(ctx context.Context, group string) ([]kept, error) {
	all, err := w.piecesOf(ctx, group)
	if err != nil {
		return nil, err
	}
	for _, p := range slices.Clone(all) {
		if name, ok := strings.CutPrefix(p.Name, offPiece); strings.HasPrefix(p.Name, "payment:") || ok && strings.HasPrefix(name, "payment:") {
			more, err := w.piecesOf(ctx, strings.TrimPrefix(p.Name, offPiece))
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		}
	}
	return all, nil
}

func (w *shopWork) piecesOf(ctx context.Context, group string) ([]kept, error) {
	return store.All(ctx, w.tx, func(rows *sql.Rows) (k kept, err error) {
		var told string
		if err := rows.Scan(&k.Name, &k.Version, &told, &k.customer); err != nil {
			return k, err
		}
		k.Group = group
		return k, json.Unmarshal([]byte(told), &k.piece)
	}, `
		select piece, version, told, coalesce(customer_id, 0) from collect_pieces where group_id = $1 and space = $2 order by piece`, group, w.space())
}

// make makes an order of all its pieces.
func (w *shopWork) make(ctx context.Context, group string) error {
	if strings.HasPrefix(group, "payment:") {
		owner, err := store.All(ctx, w.tx, store.Scalar[string], `
			select group_id from collect_pieces where piece in ($1, $2) and space = $3 order by group_id limit 1`, group, offPiece+group, w.space())
		if err != nil || len(owner) == 0 {
			return err // its payment has not come yet
		}
		group = owner[0]
	}
	all, err := w.pieces(ctx, group)
	if err != nil {
		return err
	}
	var whose id.Customer
	var newest, named int64
	bare := make([]piece, len(all))
	for i, k := range all {
		bare[i] = k.piece
		newest = max(newest, k.Version)
		if k.customer != 0 && (whose == 0 || k.Version > named) {
			whose, named = k.customer, k.Version
		}
	}
	f, ok := fold(bare)
	if !ok {
		return nil
	}
	if whose != 0 {
		if whose, err = customers.Resolve(ctx, w.tx, whose); err != nil {
			return err
		}
	}
	a, err := w.account(ctx, &f, whose, newest)
	if err != nil {
		return err
	}
	done, err := orders.Restate(ctx, w.tx, a)
	if err != nil {
		return err
	}
	if err := facts.Mark(ctx, w.tx, done.Stale...); err != nil {
		return err
	}
	return scores.Mark(ctx, w.tx, done.Stale...)
}

// account makes what orders.Restate takes.
func (w *shopWork) account(ctx context.Context, f *foldedOrder, whose id.Customer, newest int64) (orders.Account, error) {
	products, err := w.products(ctx, f)
	if err != nil {
		return orders.Account{}, err
	}
	s := &f.Sale
	sale := orders.Sale{Customer: whose, Number: s.Number, Keys: s.Keys, Source: w.space(), At: micros(s.At), Currency: s.Currency, Channel: s.Channel,
		Lines: saleLines(s.Lines, products), Discount: s.Discount, Shipping: s.Shipping, Tax: s.Tax, Whole: &s.Total, Rough: s.Rough}
	if s.Cancelled > 0 {
		sale.CancelledAt, sale.Reason = micros(s.Cancelled), s.Reason
	}
	if f.Arrived > 0 {
		sale.DeliveredDay = micros(f.Arrived).In(w.zone).Format(time.DateOnly)
	}
	// Where a file named the order by another of its ids, that is its number.
	known := false
	for _, number := range append([]string{""}, s.Keys...) {
		o, found, err := orders.Find(ctx, w.tx, w.space(), number, s.Keys...)
		if err != nil {
			return orders.Account{}, err
		}
		if known = found; found {
			if s.Rough {
				sale.Number = o.Number
			}
			break
		}
	}
	sale.History = w.old(sale.At)
	if known {
		sale.History = w.old(micros(newest))
	}
	a := orders.Account{Sale: sale}
	for i := range f.Backs {
		b := &f.Backs[i]
		a.Back = append(a.Back, orders.Sale{Number: sale.Number + b.suffix(), Keys: []string{"back:" + b.Key}, At: micros(b.At), Currency: s.Currency,
			Channel: s.Channel, Reason: b.Reason, Lines: saleLines(b.Lines, products), Whole: &b.Amount, Rough: len(b.Lines) == 0, History: w.old(micros(b.At))})
	}
	return a, nil
}

// products finds those of the order's lines, and adds those that are new.
func (w *shopWork) products(ctx context.Context, f *foldedOrder) (map[string]id.Product, error) {
	var all []orders.NewProduct
	add := func(lines []shopLine) {
		for _, l := range lines {
			n := orders.NewProduct{SKU: l.SKU, Name: l.Name}
			if l.Service {
				n.Kind = orders.KindService
			}
			all = append(all, n)
		}
	}
	add(f.Sale.Lines)
	for _, b := range f.Backs {
		add(b.Lines)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return orders.EnsureProducts(ctx, w.tx, all)
}

func saleLines(lines []shopLine, products map[string]id.Product) []orders.Line {
	all := make([]orders.Line, len(lines))
	for i, l := range lines {
		all[i] = orders.Line{Product: products[l.SKU], Quantity: l.Milli, Price: l.Price, Scale: l.Scale, Total: l.Total}
	}
	return all
}
