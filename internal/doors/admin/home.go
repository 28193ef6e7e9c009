package admin

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"sync"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type homePage struct {
	Day       string // today at the business
	Empty     bool   // neither customers nor sales yet
	Counting  bool   // the figures are not there yet
	Stats     []kit.Stat
	Newest    []newcomer
	Orders    []sale
	Customers string // addresses, empty where there is no such page
	Import    string
	Insights  string
	Silent    *kit.Alert // webhooks that were switched off; nil: none was
}

// newcomer is a customer who joined lately.
type newcomer struct {
	ID   id.Customer
	Name string
	Day  string
}

// sale is an order of a customer's as the home page shows it.
type sale struct {
	Customer id.Customer
	Order    id.Order
	Number   string
	Name     string
	Day      string
	Amount   money.Amount
}

// window is the length of the period that the home page looks at.
const window = 30 * 24 * time.Hour

// glance is the figures of the home page.
type glance struct {
	customers, joined, joinedBefore int
	bought, returned                int // customers with a purchase, with two or more
	orders, ordersBefore            int
	sales, salesBefore              int64 // in the business's currency, returns not taken off
	until                           time.Time
}

func (d door) home(w http.ResponseWriter, r *web.Request) error {
	ctx := r.Context()
	g, counted, err := d.lately.look(ctx, d.db, r.Now, zoneOf(r))
	if err != nil {
		return err
	}
	p := homePage{
		Day: r.Now.In(zoneOf(r)).Format(time.DateOnly), Counting: !counted, Empty: counted && g.customers == 0 && g.until.IsZero(),
		Customers: d.leads(r, "/customers"), Import: d.leads(r, "/imports"), Insights: d.leads(r, "/insights"),
	}
	if p.Empty {
		return r.Render(w, "admin/home.html", p)
	}
	if counted {
		p.Stats = d.stats(r, g)
	}
	if p.Silent, err = d.silent(r); err != nil {
		return err
	}
	if p.Newest, err = newest(ctx, d.db); err != nil {
		return err
	}
	if p.Orders, err = latest(ctx, d.db); err != nil {
		return err
	}
	if err := d.name(r, &p); err != nil {
		return err
	}
	return r.Render(w, "admin/home.html", p)
}

// name fills in what the customers of the page are called.
func (d door) name(r *web.Request, p *homePage) error {
	ids := make([]id.Customer, len(p.Newest))
	for i, n := range p.Newest {
		ids[i] = n.ID
	}
	names, err := customers.Names(r.Context(), d.db, r.Print, ids...)
	if err != nil {
		return err
	}
	for i := range p.Newest {
		p.Newest[i].Name = names[p.Newest[i].ID]
	}
	return d.nameSales(r, p.Orders)
}

// nameSales fills in what the customers of sales are called.
func (d door) nameSales(r *web.Request, sales []sale) error {
	ids := make([]id.Customer, len(sales))
	for i, s := range sales {
		ids[i] = s.Customer
	}
	names, err := customers.Names(r.Context(), d.db, r.Print, ids...)
	for i := range sales {
		sales[i].Name = names[sales[i].Customer]
	}
	return err
}

func zoneOf(r *web.Request) *time.Location {
	if r.Shop.Zone == nil {
		return time.UTC
	}
	return r.Shop.Zone
}

// lately keeps the figures for a while where they take long: twenty times as
// long as it took to count them. A store of a million customers is not counted
// again for everybody who opens the page; a small one always is.
type lately struct {
	mu       sync.Mutex
	day      string        // they are of; empty: there are none
	fresh    time.Time     // until when
	counting chan struct{} // closed when they are counted; nil while nobody counts
	failed   error         // of the last count
	glance
}

const (
	slow     = 50 * time.Millisecond // what a count may take without being kept
	patience = time.Second           // how long a page waits for one
)

// look returns the figures; false while they are counted for the first time
// and that takes long. Where they take long, the last ones are shown meanwhile.
func (l *lately) look(ctx context.Context, q store.Querier, now time.Time, zone *time.Location) (glance, bool, error) {
	l.mu.Lock()
	if l.day == day(now, zone) && time.Now().Before(l.fresh) {
		defer l.mu.Unlock()
		return l.glance, true, nil
	}
	if l.counting == nil {
		l.counting = make(chan struct{})
		go l.count(context.WithoutCancel(ctx), q, now, zone)
	}
	counting := l.counting
	l.mu.Unlock()
	select {
	case <-counting:
	case <-time.After(patience):
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-counting:
		return l.glance, l.failed == nil, l.failed
	default:
		return l.glance, l.day != "", nil
	}
}

// count counts for all who wait, and goes on when they have gone.
func (l *lately) count(ctx context.Context, q store.Querier, now time.Time, zone *time.Location) {
	start := time.Now()
	g, err := look(ctx, q, now, zone)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed = err; err == nil {
		l.day, l.glance = day(now, zone), g
		if took := time.Since(start); took > slow {
			l.fresh = start.Add(20 * took)
		}
	}
	close(l.counting)
	l.counting = nil
}

// look counts. The period ends now, or with the last sale where that is
// longer ago: a store that was imported shows its last month, not an empty one.
func look(ctx context.Context, q store.Querier, now time.Time, zone *time.Location) (g glance, err error) {
	var last, lastWalkin sql.NullInt64
	err = q.QueryRow(ctx, `select (select max(placed_at) from orders), (select max(placed_at) from walkin_orders)`).Scan(&last, &lastWalkin)
	if err != nil {
		return g, fmt.Errorf("find the last sale: %w", err)
	}
	until := now
	if newest := max(last.Int64, lastWalkin.Int64); newest != 0 {
		g.until = time.UnixMicro(newest).UTC()
		if now.Sub(g.until) > window {
			until = g.until.Add(time.Second)
		} else {
			g.until = now
		}
	}
	since, before := until.Add(-window), until.Add(-2*window)
	err = q.QueryRow(ctx, `select count(*) from customers where merged_into is null and erased_at is null`).Scan(&g.customers)
	if err != nil {
		return g, fmt.Errorf("count customers: %w", err)
	}
	err = q.QueryRow(ctx, `
		select count(*) filter (where joined_day > $1), count(*) filter (where joined_day <= $1) from customers
		where joined_day > $2 and joined_day <= $3 and merged_into is null and erased_at is null`,
		day(since, zone), day(before, zone), day(until, zone)).Scan(&g.joined, &g.joinedBefore)
	if err != nil {
		return g, fmt.Errorf("count new customers: %w", err)
	}
	err = q.QueryRow(ctx, `select count(*) filter (where orders > 0), count(*) filter (where orders > 1) from customer_facts`).
		Scan(&g.bought, &g.returned)
	if err != nil {
		return g, fmt.Errorf("count who came back: %w", err)
	}
	for _, query := range []string{
		`select count(*) filter (where placed_at >= $1), count(*) filter (where placed_at < $1),
			cast(coalesce(sum(base_minor) filter (where placed_at >= $1), 0) as bigint),
			cast(coalesce(sum(base_minor) filter (where placed_at < $1), 0) as bigint)
		from orders where placed_at >= $2 and placed_at < $3 and not is_return and cancelled_at is null`,
		`select count(*) filter (where placed_at >= $1), count(*) filter (where placed_at < $1),
			cast(coalesce(sum(base_minor) filter (where placed_at >= $1), 0) as bigint),
			cast(coalesce(sum(base_minor) filter (where placed_at < $1), 0) as bigint)
		from walkin_orders where placed_at >= $2 and placed_at < $3 and not is_return and cancelled_at is null`,
	} {
		var orders, ordersBefore int
		var sales, salesBefore int64
		err := q.QueryRow(ctx, query, since.UnixMicro(), before.UnixMicro(), until.UnixMicro()).Scan(&orders, &ordersBefore, &sales, &salesBefore)
		if err != nil {
			return g, fmt.Errorf("add up sales: %w", err)
		}
		g.orders, g.ordersBefore = g.orders+orders, g.ordersBefore+ordersBefore
		g.sales, g.salesBefore = g.sales+sales, g.salesBefore+salesBefore
	}
	return g, nil
}

func day(t time.Time, zone *time.Location) string { return t.In(zone).Format(time.DateOnly) }

func (d door) stats(r *web.Request, g glance) []kit.Stat {
	note := r.T("admin.home.last-days")
	if r.Now.Sub(g.until) > window && !g.until.IsZero() {
		note = r.T("admin.home.days-until", "Day", r.Print.Day(day(g.until, zoneOf(r))))
	}
	back := kit.Stat{Label: r.T("admin.home.back"), Value: "–", Note: r.T("admin.home.back.none"), Explain: r.T("admin.home.back.how"), Href: d.leads(r, "/insights")}
	if g.bought > 0 {
		back.Value = r.Print.Percent(float64(g.returned)/float64(g.bought), 1)
		back.Note = r.Print.N("admin.home.back.of", g.bought, "Back", r.Print.Int(int64(g.returned)))
	}
	joined := kit.Stat{Label: r.T("admin.home.joined"), Value: r.Print.Int(int64(g.joined)), Note: note}
	sales := kit.Stat{
		Label: r.T("admin.home.sales"), Value: r.Print.MoneyWhole(money.Amount{Minor: g.sales, Currency: r.Shop.Currency}),
		Note: r.Print.N("admin.home.sales.of", g.orders, "Days", note), Explain: r.T("admin.home.sales.how"),
	}
	joined.Change, joined.Tone = change(r, int64(g.joined), int64(g.joinedBefore))
	sales.Change, sales.Tone = change(r, g.sales, g.salesBefore)
	return []kit.Stat{
		{Label: r.T("admin.home.customers"), Value: r.Print.Int(int64(g.customers)), Href: d.leads(r, "/customers")},
		back, joined, sales,
	}
}

// change compares a figure with the one of the period before.
func change(r *web.Request, now, before int64) (string, kit.Tone) {
	if before <= 0 {
		return "", kit.Plain
	}
	x := float64(now)/float64(before) - 1
	switch {
	case x >= 0.005:
		return "+" + r.Print.Percent(x, 0), kit.Good
	case x <= -0.005:
		return r.Print.Percent(x, 0), kit.Bad
	}
	return "", kit.Plain
}

// newest are the customers who joined last.
func newest(ctx context.Context, q store.Querier) ([]newcomer, error) {
	all, err := store.All(ctx, q, func(rows *sql.Rows) (n newcomer, err error) {
		return n, rows.Scan(&n.ID, &n.Day)
	}, `
		select customer_id, joined_day from customers where merged_into is null and erased_at is null
		order by joined_day desc, customer_id desc limit 6`)
	if err != nil {
		return nil, fmt.Errorf("list the newest customers: %w", err)
	}
	return all, nil
}

// latest are the last orders of customers.
func latest(ctx context.Context, q store.Querier) ([]sale, error) {
	all, err := store.All(ctx, q, scanSale, `
		select customer_id, order_id, number, placed_day, total_minor, currency from orders
		where not is_return order by placed_at desc, order_id desc limit 6`)
	if err != nil {
		return nil, fmt.Errorf("list the last orders: %w", err)
	}
	return all, nil
}

func scanSale(rows *sql.Rows) (s sale, err error) {
	return s, rows.Scan(&s.Customer, &s.Order, &s.Number, &s.Day, &s.Amount.Minor, &s.Amount.Currency)
}
