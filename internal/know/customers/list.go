package customers

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// Filter says which living customers a list holds. The zero value: all.
type Filter struct {
	Query      string // as for Search
	Tag        string
	Language   string
	Country    string
	Consent    string // a channel they agreed to
	JoinedFrom string // YYYY-MM-DD
	JoinedTo   string
	LastFrom   string // day of the last order
	LastTo     string
	OrdersFrom int // 0: any
	OrdersTo   int
	SpendFrom  int64 // minor units of the business's currency, 0: any
	SpendTo    int64
}

// Listed is a line of a list: a customer, with their facts as far as they are
// folded.
type Listed struct {
	Customer
	SortName     string
	Orders       int64
	SpendMinor   int64
	LastOrderDay string // empty: none
}

// Sorts are what a list can be sorted by. The last three leave out customers
// without facts, and the last one those who never bought.
var Sorts = []string{"name", "joined", "orders", "spend", "last"}

// Found is the sort of a search, the best first: whose word is the word typed.
const Found = "found"

var sortColumns = map[string]string{"name": "c.sort_name", "joined": "c.joined_day",
	"orders": "f.orders", "spend": "f.spend_minor", "last": "f.last_order_day"}

// Order is how a list is sorted and where it goes on.
type Order struct {
	Sort  string // one of Sorts, or Found where Filter has a Query
	Desc  bool
	After string // Next of the page before
	Limit int    // rows of a page; 0: 50
}

// Page is a part of a list.
type Page struct {
	Rows []Listed
	Next string // "" on the last page
}

// where writes from and the conditions. Facts that are asked or sorted by
// must be there; wanted ones (to be shown) are joined if there are any.
func (p plan) where(s *query, sort string, wanted bool) {
	facts := p.facts(sort)
	switch {
	case !facts && !wanted:
		s.add(` from customers c where c.merged_into is null and c.erased_at is null`)
	case p.begin >= 0 || !facts:
		s.add(` from customers c left join customer_facts f on f.customer_id = c.customer_id
			where c.merged_into is null and c.erased_at is null`)
	case strings.HasPrefix(sortColumns[sort], "f."):
		// cross keeps SQLite from turning the two around.
		s.add(` from customer_facts f cross join customers c
			where c.customer_id = f.customer_id and c.merged_into is null and c.erased_at is null`)
	default:
		s.add(` from customers c cross join customer_facts f
			where c.customer_id = f.customer_id and c.merged_into is null and c.erased_at is null`)
	}
	for i, part := range p.parts {
		switch {
		case i == p.begin && part.from == "" && len(part.these) == 0:
			s.add(` and c.customer_id = -1`)
		case i == p.begin && part.from == "":
			s.add(` and c.customer_id in (?`+strings.Repeat(`,?`, len(part.these)-1)+`)`, part.these...)
		case i == p.begin:
			s.add(` and c.customer_id in (select customer_id from `+part.from+`)`, part.args...)
		default:
			s.add(` and `+part.ask, part.args...)
		}
	}
}

// facts reports whether facts are asked or sorted by.
func (p plan) facts(sort string) bool {
	return strings.HasPrefix(sortColumns[sort], "f.") ||
		slices.ContainsFunc(p.parts, func(part part) bool { return strings.HasPrefix(part.ask, "f.") })
}

// List returns a page of customers. It touches about as many rows as it
// shows, whatever the number of customers, unless several filters that leave
// many each leave few together.
func List(ctx context.Context, q store.Querier, f Filter, o Order) (Page, error) {
	if o.Sort == Found {
		return f.found(ctx, q, o)
	}
	p, err := f.plan(ctx, q)
	if err != nil {
		return Page{}, err
	}
	return p.page(ctx, q, o)
}

// found is List of a search in the order in which customers are found: it reads
// those alone that it shows, unless other filters leave some of them out.
func (f Filter) found(ctx context.Context, q store.Querier, o Order) (Page, error) {
	ids, _, err := searched(ctx, q, f.Query)
	if err != nil {
		return Page{}, err
	}
	if o.After != "" {
		_, after, err := readCursor(Found, o.After)
		if err != nil {
			return Page{}, err
		}
		at := slices.Index(ids, id.Customer(after))
		if at < 0 { // they are called something else by now
			return Page{}, errs.Wrong("after", "customers.wrong.page")
		}
		ids = ids[at+1:]
	}
	if o.Limit == 0 {
		o.Limit = pageful
	}
	others := f.parts()
	step := o.Limit + 1
	if len(others) > 0 {
		step = sought
	}
	var rows []Listed
	for len(rows) <= o.Limit && len(ids) > 0 {
		some := ids[:min(step, len(ids))]
		ids = ids[len(some):]
		p := plan{parts: append(slices.Clip(others), part{these: store.Args(some)}), begin: len(others)}
		page, err := p.page(ctx, q, Order{Sort: "name", Limit: len(some)})
		if err != nil {
			return Page{}, err
		}
		slices.SortFunc(page.Rows, func(a, b Listed) int { return slices.Index(some, a.ID) - slices.Index(some, b.ID) })
		rows = append(rows, page.Rows...)
	}
	return cutPage(rows, o), nil
}

func (p plan) page(ctx context.Context, q store.Querier, o Order) (Page, error) {
	column := sortColumns[o.Sort]
	if column == "" {
		return Page{}, fmt.Errorf("no sort is called %q", o.Sort)
	}
	if o.Limit == 0 {
		o.Limit = pageful
	}
	direction, than := "", ">"
	if o.Desc {
		direction, than = " desc", "<"
	}
	var s query
	s.add(`select c.` + strings.ReplaceAll(strings.Join(strings.Fields(columns), ""), ",", ", c.") +
		`, c.sort_name`)
	// Where a few are sorted, the facts are read of those that are shown.
	later := p.begin >= 0 && !p.facts(o.Sort)
	if !later {
		s.add(`, coalesce(f.orders, 0), coalesce(f.spend_minor, 0), coalesce(f.last_order_day, '')`)
	}
	p.where(&s, o.Sort, !later)
	if o.Sort == "last" {
		s.add(` and f.last_order_day is not null`)
	}
	if strings.HasPrefix(column, "f.") && p.begin >= 0 {
		s.add(` and f.customer_id is not null`)
	}
	if o.After != "" {
		value, after, err := readCursor(o.Sort, o.After)
		if err != nil {
			return Page{}, err
		}
		s.add(` and (`+column+`, c.customer_id) `+than+` (?, ?)`, value, after)
	}
	id := "c.customer_id"
	if strings.HasPrefix(column, "f.") && p.begin < 0 {
		id = "f.customer_id" // the same, of the table whose index is walked
	}
	// No column is null here; saying where nulls go would keep PostgreSQL from
	// walking an index backwards.
	s.add(` order by `+column+direction+`, `+id+direction+` limit ?`, o.Limit+1)
	rows, err := store.All(ctx, q, func(rows *sql.Rows) (Listed, error) { return scanListed(rows, !later) }, s.text.String(), s.args...)
	if err != nil {
		return Page{}, fmt.Errorf("list customers: %w", err)
	}
	page := cutPage(rows, o)
	if later {
		err = addFacts(ctx, q, page.Rows)
	}
	return page, err
}

// pageful is how many rows a page has where nobody says.
const pageful = 50

// cutPage keeps as many rows as were asked for, and says where the next page
// begins if there are more.
func cutPage(rows []Listed, o Order) Page {
	if len(rows) <= o.Limit {
		return Page{Rows: rows}
	}
	return Page{Rows: rows[:o.Limit], Next: writeCursor(o.Sort, rows[o.Limit-1])}
}

// addFacts reads the facts of the rows of a page.
func addFacts(ctx context.Context, q store.Querier, page []Listed) error {
	if len(page) == 0 {
		return nil
	}
	at := make(map[id.Customer]*Listed, len(page))
	args := make([]any, len(page))
	for i := range page {
		at[page[i].ID], args[i] = &page[i], page[i].ID
	}
	rows, err := q.Query(ctx, `select customer_id, orders, spend_minor, coalesce(last_order_day, '') from customer_facts
		where customer_id in (`+store.List(1, len(page))+`)`, args...)
	if err != nil {
		return fmt.Errorf("read the facts of a list: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c id.Customer
		var orders, spend int64
		var last string
		if err := rows.Scan(&c, &orders, &spend, &last); err != nil {
			return err
		}
		at[c].Orders, at[c].SpendMinor, at[c].LastOrderDay = orders, spend, last
	}
	return rows.Err()
}

func scanListed(rows *sql.Rows, facts bool) (l Listed, err error) {
	var imported, merged, erased sql.NullInt64
	var joined, created, changed int64
	into := []any{&l.ID, &l.Version, &l.Name, &l.Given, &l.Family, &l.Language, &l.Country, &l.Email, &l.Phone,
		&joined, &l.JoinedDay, &l.Source, &imported, &created, &changed, &merged, &erased, &l.SortName}
	if facts {
		into = append(into, &l.Orders, &l.SpendMinor, &l.LastOrderDay)
	}
	err = rows.Scan(into...)
	l.JoinedAt, l.CreatedAt, l.ChangedAt, l.Import = moment(joined), moment(created), moment(changed), id.Import(imported.Int64)
	return l, err
}

// All walks a whole list, for an export.
func All(ctx context.Context, q store.Querier, f Filter, o Order) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		o.After, o.Limit = "", 1_000
		turn := func() (Page, error) { return f.found(ctx, q, o) }
		var err error
		if o.Sort != Found {
			var p plan
			p, err = f.plan(ctx, q)
			turn = func() (Page, error) { return p.page(ctx, q, o) }
		}
		for first := true; err == nil && (first || o.After != ""); first = false {
			var page Page
			if page, err = turn(); err != nil {
				break
			}
			for _, l := range page.Rows {
				if !yield(l, nil) {
					return
				}
			}
			o.After = page.Next
		}
		if err != nil {
			yield(Listed{}, err)
		}
	}
}

// Count returns how many customers a filter leaves, and whether there may be
// more: counting stops early, as a page must not wait for a million.
func Count(ctx context.Context, q store.Querier, f Filter) (n int, more bool, err error) {
	const most = 10_000
	p, err := f.plan(ctx, q)
	if err != nil {
		return 0, false, err
	}
	switch {
	case len(p.parts) == 0:
		n, err = part{from: `customers c where c.merged_into is null and c.erased_at is null`}.probe(ctx, q, most+1)
		return min(n, most), n > most, err
	case len(p.parts) == 1 && f.Query == "": // an index alone tells
		n, err = p.parts[0].probe(ctx, q, most/2+1)
		return min(n, most/2), n > most/2, err
	case len(p.parts) == 1: // a search
		n = len(p.parts[0].these)
		return n, p.more, nil
	}
	// Among the first of one part, those that the others leave.
	more = p.more
	if f.Query == "" {
		first := max(p.begin, 0)
		began, err := p.parts[first].probe(ctx, q, few+1)
		if err != nil {
			return 0, false, err
		}
		more = began > few
		p.parts[first].from = `(select customer_id from ` + p.parts[first].from + ` limit ` + strconv.Itoa(few) + `) b`
		p.begin = first
	}
	var s query
	s.add(`select count(*)`)
	p.where(&s, "name", false)
	if err := q.QueryRow(ctx, s.text.String(), s.args...).Scan(&n); err != nil {
		return 0, false, fmt.Errorf("count customers: %w", err)
	}
	return n, more, nil
}

// writeCursor names the last row of a page.
func writeCursor(sort string, l Listed) string {
	value := map[string]string{"name": l.SortName, "joined": l.JoinedDay, "orders": fmt.Sprint(l.Orders),
		"spend": fmt.Sprint(l.SpendMinor), "last": l.LastOrderDay}[sort]
	b, _ := json.Marshal([]string{value, fmt.Sprint(int64(l.ID))})
	return base64.RawURLEncoding.EncodeToString(b)
}

func readCursor(sort, cursor string) (value any, after int64, err error) {
	wrong := errs.Wrong("after", "customers.wrong.page")
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil, 0, wrong
	}
	var both []string
	if json.Unmarshal(b, &both) != nil || len(both) != 2 {
		return nil, 0, wrong
	}
	if after, err = strconv.ParseInt(both[1], 10, 64); err != nil {
		return nil, 0, wrong
	}
	if sort == "orders" || sort == "spend" {
		n, err := strconv.ParseInt(both[0], 10, 64)
		if err != nil {
			return nil, 0, wrong
		}
		return n, after, nil
	}
	return text.Clean(both[0]), after, nil
}

// InUse returns the languages or countries there are, in order.
func InUse(ctx context.Context, q store.Querier, column string) ([]string, error) {
	if !slices.Contains([]string{"language", "country"}, column) {
		return nil, fmt.Errorf("no list of customers by %q", column)
	}
	all, last := []string{}, ""
	for len(all) < 300 { // a step from value to value, whatever the number of customers
		next, err := store.All(ctx, q, store.Scalar[string], `
			select `+column+` from customers where `+column+` > $1 and merged_into is null and erased_at is null
			order by `+column+`, customer_id limit 1`, last)
		if err != nil {
			return nil, fmt.Errorf("list what customers have as %s: %w", column, err)
		}
		if len(next) == 0 {
			break
		}
		last = next[0]
		all = append(all, last)
	}
	return all, nil
}
