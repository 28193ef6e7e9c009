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

// Sorts are the columns a list can be sorted by. The last three leave out
// customers without facts, and the last one those who never bought.
var Sorts = []string{"name", "joined", "orders", "spend", "last"}

var sortColumns = map[string]string{"name": "c.sort_name", "joined": "c.joined_day",
	"orders": "f.orders", "spend": "f.spend_minor", "last": "f.last_order_day"}

// Order is how a list is sorted and where it goes on.
type Order struct {
	Sort  string // one of Sorts
	Desc  bool
	After string // Next of the page before
	Limit int    // rows of a page; 0: 50
}

// Page is a part of a list.
type Page struct {
	Rows []Listed
	Next string // "" on the last page
}

// few is up to how many customers a filter may leave for the list to begin
// with them. With more, the list is walked in its own order and each customer
// is asked: the page is full after a few hundred.
const few = 2_000

// part is one condition of a filter, in two forms.
type part struct {
	from string // "customer_tags where tag = ?": finds the customers
	ask  string // asks one customer, such that no engine begins with it
	args []any
}

// parts are the conditions of a filter. A term in || ” or exists is not
// looked up in an index: which one to begin with is decided in List.
func (f Filter) parts() []part {
	var all []part
	add := func(from, ask string, args ...any) { all = append(all, part{from, ask, args}) }
	living := ` and merged_into is null and erased_at is null`
	if f.Tag != "" {
		add(`customer_tags where tag = ?`, `exists (select 1 from customer_tags t where t.customer_id = c.customer_id and t.tag = ?)`, text.Fold(f.Tag))
	}
	if f.Consent != "" {
		add(`customer_consents where channel = ? and given`,
			`exists (select 1 from customer_consents t where t.customer_id = c.customer_id and t.channel = ? and t.given)`, f.Consent)
	}
	if f.Country != "" {
		add(`customers where country = ?`+living, `c.country || '' = ?`, f.Country)
	}
	if f.Language != "" {
		add(`customers where language = ?`+living, `c.language || '' = ?`, f.Language)
	}
	if f.JoinedFrom != "" || f.JoinedTo != "" {
		to := upTo(f.JoinedTo)
		add(`customers where joined_day >= ? and joined_day <= ?`+living, `c.joined_day || '' >= ? and c.joined_day || '' <= ?`, f.JoinedFrom, to)
	}
	if f.LastFrom != "" || f.LastTo != "" {
		add(`customer_facts where last_order_day >= ? and last_order_day <= ?`, `f.last_order_day || '' >= ? and f.last_order_day || '' <= ?`, f.LastFrom, upTo(f.LastTo))
	}
	if f.OrdersFrom > 0 || f.OrdersTo > 0 {
		to := int64(f.OrdersTo)
		if to == 0 {
			to = 1 << 60
		}
		add(`customer_facts where orders >= ? and orders <= ?`, `f.orders + 0 >= ? and f.orders + 0 <= ?`, int64(f.OrdersFrom), to)
	}
	if f.SpendFrom > 0 || f.SpendTo > 0 {
		to := f.SpendTo
		if to == 0 {
			to = 1 << 60
		}
		add(`customer_facts where spend_minor >= ? and spend_minor <= ?`, `f.spend_minor + 0 >= ? and f.spend_minor + 0 <= ?`, f.SpendFrom, to)
	}
	return all
}

// upTo is a day after all others when none was given.
func upTo(day string) string {
	if day == "" {
		return "9999-12-31"
	}
	return day
}

// query collects a statement whose arguments are written as question marks.
type query struct {
	text strings.Builder
	args []any
}

func (q *query) add(text string, args ...any) {
	for piece, rest, more := strings.Cut(text, "?"); ; piece, rest, more = strings.Cut(rest, "?") {
		q.text.WriteString(piece)
		if !more {
			return
		}
		q.args = append(q.args, args[0])
		args = args[1:]
		fmt.Fprintf(&q.text, "$%d", len(q.args))
	}
}

// sought is how many of those who match a search a list holds: nobody turns
// more pages, they type another letter.
const sought = 500

// search is the part of those who match a search; it is always begun with.
func search(ctx context.Context, q store.Querier, typed string) (part, error) {
	words, err := rarest(ctx, q, wanted(typed))
	if err != nil || len(words) == 0 {
		return part{from: `customers where customer_id = -1`}, err
	}
	p := part{from: `(select t.customer_id from customer_terms t where t.term >= ? and t.term < ?`, args: []any{words[0], past(words[0])}}
	for _, w := range words[1:] {
		p.from += ` and exists (select 1 from customer_terms o where o.customer_id = t.customer_id and o.term >= ? and o.term < ?)`
		p.args = append(p.args, w, past(w))
	}
	p.from += ` order by t.term, t.customer_id limit ` + strconv.Itoa(sought) + `) h`
	return p, nil
}

// rarest puts the word first that the fewest terms begin with.
func rarest(ctx context.Context, q store.Querier, words []string) ([]string, error) {
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	if len(words) < 2 {
		return words, nil
	}
	least, first := few+1, 0
	for i, w := range words {
		n, err := part{from: `customer_terms where term >= ? and term < ?`, args: []any{w, past(w)}}.probe(ctx, q, least)
		if err != nil {
			return nil, err
		}
		if n < least {
			least, first = n, i
		}
	}
	words[0], words[first] = words[first], words[0]
	return words, nil
}

// probe counts the customers of a part, up to most.
func (p part) probe(ctx context.Context, q store.Querier, most int) (int, error) {
	var s query
	s.add(`select count(*) from (select customer_id from `+p.from, p.args...)
	s.add(` limit ?) x`, most)
	var n int
	if err := q.QueryRow(ctx, s.text.String(), s.args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("probe a filter: %w", err)
	}
	return n, nil
}

// plan is a filter, with the part to begin with, if it leaves few.
type plan struct {
	parts []part
	begin int // of parts; -1: walk the list
}

func (f Filter) plan(ctx context.Context, q store.Querier) (plan, error) {
	p := plan{parts: f.parts(), begin: -1}
	least := few + 1
	for i, part := range p.parts {
		n, err := part.probe(ctx, q, few+1)
		if err != nil {
			return p, err
		}
		if n < least {
			least, p.begin = n, i
		}
	}
	if f.Query != "" {
		found, err := search(ctx, q, f.Query)
		if err != nil {
			return p, err
		}
		p.parts, p.begin = append(p.parts, found), len(p.parts)
	}
	return p, nil
}

// where writes from and the conditions. Facts that are asked or sorted by
// must be there; else they are shown if they are.
func (p plan) where(s *query, sort string) {
	facts := strings.HasPrefix(sortColumns[sort], "f.")
	for _, part := range p.parts {
		facts = facts || strings.HasPrefix(part.ask, "f.")
	}
	switch {
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
		if i == p.begin {
			s.add(` and c.customer_id in (select customer_id from `+part.from+`)`, part.args...)
		} else {
			s.add(` and `+part.ask, part.args...)
		}
	}
}

// List returns a page of customers. It touches about as many rows as it
// shows, whatever the number of customers, unless several filters that leave
// many each leave few together.
func List(ctx context.Context, q store.Querier, f Filter, o Order) (Page, error) {
	p, err := f.plan(ctx, q)
	if err != nil {
		return Page{}, err
	}
	return p.page(ctx, q, o)
}

func (p plan) page(ctx context.Context, q store.Querier, o Order) (Page, error) {
	column := sortColumns[o.Sort]
	if column == "" {
		return Page{}, fmt.Errorf("no sort is called %q", o.Sort)
	}
	if o.Limit == 0 {
		o.Limit = 50
	}
	direction, than := "", ">"
	if o.Desc {
		direction, than = " desc", "<"
	}
	var s query
	s.add(`select c.` + strings.ReplaceAll(strings.Join(strings.Fields(columns), ""), ",", ", c.") +
		`, c.sort_name, coalesce(f.orders, 0), coalesce(f.spend_minor, 0), coalesce(f.last_order_day, '')`)
	p.where(&s, o.Sort)
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
	rows, err := store.All(ctx, q, scanListed, s.text.String(), s.args...)
	if err != nil {
		return Page{}, fmt.Errorf("list customers: %w", err)
	}
	page := Page{Rows: rows}
	if len(rows) > o.Limit {
		page.Rows = rows[:o.Limit]
		page.Next = writeCursor(o.Sort, page.Rows[o.Limit-1])
	}
	return page, nil
}

func scanListed(rows *sql.Rows) (l Listed, err error) {
	var imported, merged, erased sql.NullInt64
	var joined, created, changed int64
	err = rows.Scan(&l.ID, &l.Version, &l.Name, &l.Given, &l.Family, &l.Language, &l.Country, &l.Email, &l.Phone,
		&joined, &l.JoinedDay, &l.Source, &imported, &created, &changed, &merged, &erased, &l.SortName, &l.Orders, &l.SpendMinor, &l.LastOrderDay)
	l.JoinedAt, l.CreatedAt, l.ChangedAt, l.Import = moment(joined), moment(created), moment(changed), id.Import(imported.Int64)
	return l, err
}

// All walks a whole list, for an export.
func All(ctx context.Context, q store.Querier, f Filter, o Order) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		p, err := f.plan(ctx, q)
		o.After, o.Limit = "", 1_000
		for first := true; err == nil && (first || o.After != ""); first = false {
			var page Page
			if page, err = p.page(ctx, q, o); err != nil {
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
	}
	// Among the first of one part, those that the others leave.
	first := max(p.begin, 0)
	began := sought
	if f.Query == "" {
		if began, err = p.parts[first].probe(ctx, q, few+1); err != nil {
			return 0, false, err
		}
	}
	p.parts[first].from = `(select customer_id from ` + p.parts[first].from + ` limit ` + strconv.Itoa(few) + `) b`
	p.begin = first
	var s query
	s.add(`select count(*)`)
	p.where(&s, "name")
	if err := q.QueryRow(ctx, s.text.String(), s.args...).Scan(&n); err != nil {
		return 0, false, fmt.Errorf("count customers: %w", err)
	}
	if f.Query != "" { // a search holds that many at most
		return n, n == sought, nil
	}
	return n, began > few, nil
}

// writeCursor names the last row of a page.
func writeCursor(sort string, l Listed) string {
	value := map[string]string{"name": l.SortName, "joined": l.JoinedDay, "orders": fmt.Sprint(l.Orders),
		"spend": fmt.Sprint(l.SpendMinor), "last": l.LastOrderDay}[sort]
	b, _ := json.Marshal([]string{value, fmt.Sprint(int64(l.ID))})
	return base64.RawURLEncoding.EncodeToString(b)
}

func readCursor(sort, cursor string) (value any, after int64, err error) {
	wrong := errs.Invalidf("after", "This page of the list cannot be found. Begin again with the first one")
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
