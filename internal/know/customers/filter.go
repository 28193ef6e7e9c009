package customers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// few is up to how many customers a filter may leave for the list to begin
// with them. With more, the list is walked in its own order and each customer
// is asked: the page is full after a few hundred.
const few = 2_000

// part is one condition of a filter, in two forms.
type part struct {
	from string // "customer_tags where tag = ?": finds the customers
	ask  string // asks one customer, such that no engine begins with it
	args []any
	// these are the customers themselves, where they are known already.
	these []any
}

// parts are the conditions of a filter. A term in || ” or exists is not
// looked up in an index: which one to begin with is decided in List.
func (f Filter) parts() []part {
	var all []part
	add := func(from, ask string, args ...any) { all = append(all, part{from: from, ask: ask, args: args}) }
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
const sought = 200

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
	begin int  // of parts; -1: walk the list
	more  bool // a search found more than it may
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
	if f.Query != "" { // always begun with
		found, more, err := searched(ctx, q, f.Query)
		if err != nil {
			return p, err
		}
		p.more = more
		p.parts, p.begin = append(p.parts, part{these: store.Args(found)}), len(p.parts)
	}
	return p, nil
}
