package orders

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
)

// Page is a part of a list.
type Page struct {
	Sort  string // a column of the list; else its usual one
	Up    bool   // the oldest or least first
	After string // the cursor of the part before; empty: the first part
	Limit int    // 0: 50
}

// conditions are what a filter asks for, with their arguments.
type conditions struct {
	terms []string
	args  []any
}

// add adds a condition with a ? for each of its values.
func (c *conditions) add(condition string, values ...any) {
	for _, v := range values {
		c.args = append(c.args, v)
		condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(c.args)), 1)
	}
	c.terms = append(c.terms, condition)
}

func (c conditions) clause() string {
	if len(c.terms) == 0 {
		return ""
	}
	return "where " + strings.Join(c.terms, " and ")
}

// count counts the rows of a table up to a limit.
func (c conditions) count(ctx context.Context, q store.Querier, table string, limit int) (n int, err error) {
	err = q.QueryRow(ctx, fmt.Sprintf(`select count(*) from (select 1 from %s %s limit $%d) found`, table, c.clause(), len(c.args)+1),
		append(c.args, limit)...).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", table, err)
	}
	return n, nil
}

// of returns what stands behind "from" for the page of a list in the order of a
// column of numbers, then of the id, and one row more: it tells that something
// follows.
func (p Page) of(c conditions, column, id string) (string, []any, error) {
	direction, than := "desc", "<"
	if p.Up {
		direction, than = "asc", ">"
	}
	if p.After != "" {
		value, last, err := readCursor(p.After)
		if err != nil {
			return "", nil, err
		}
		c.add(fmt.Sprintf("(%s, %s) %s (?, ?)", column, id, than), value, last)
	}
	args := append(c.args, p.limit()+1)
	return fmt.Sprintf("%s order by %s %s, %s %s limit $%d", c.clause(), column, direction, id, direction, len(args)), args, nil
}

func (p Page) limit() int {
	if p.Limit == 0 {
		return 50
	}
	return p.Limit
}

// cut takes the row more away that of asked for, and returns the cursor of what
// follows; empty: nothing does.
func cut[T any](p Page, all []T, value func(last T) (column, id int64)) ([]T, string) {
	if len(all) <= p.limit() {
		return all, ""
	}
	all = all[:p.limit()]
	column, id := value(all[p.limit()-1])
	return all, writeCursor(column, id)
}

func writeCursor(value, id int64) string { return fmt.Sprintf("%d.%d", value, id) }

func readCursor(s string) (value, id int64, err error) {
	a, b, _ := strings.Cut(s, ".")
	value, errA := strconv.ParseInt(a, 10, 64)
	id, errB := strconv.ParseInt(b, 10, 64)
	if errA != nil || errB != nil {
		return 0, 0, errs.Wrong("after", "orders.wrong.page")
	}
	return value, id, nil
}

// parts goes through a whole list, part by part.
func parts[T any](p Page, part func(Page) ([]T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		p.Limit, p.After = 500, ""
		for {
			all, next, err := part(p)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, v := range all {
				if !yield(v, nil) {
					return
				}
			}
			if p.After = next; next == "" {
				return
			}
		}
	}
}

// escaped is s within the pattern of a like whose escape is !.
func escaped(s string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(s)
}
