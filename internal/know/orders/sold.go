package orders

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// Sold is what a product has sold. Amounts are in the business's currency;
// what waits for a rate is counted in pieces only. Orders that were cancelled
// are left out.
type Sold struct {
	Months   []SoldMonth // from the first sale on, in order, without gaps
	Pieces   int64
	Amount   int64
	Returned int64 // pieces
	Back     int64 // amount
	Unvalued int   // lines that wait for a rate

	Buyers  int // customers who bought it
	Again   int // of these, with two orders or more of it
	Walkins int // orders of people who are not known
	Top     []Buyer
}

// SoldMonth is one month.
type SoldMonth struct {
	Month     string // YYYY-MM
	Pieces    int64
	Customers int64 // amount
	Walkins   int64 // amount
}

// Buyer is a customer and what they bought of a product.
type Buyer struct {
	Customer id.Customer
	Orders   int
	Pieces   int64
	Amount   int64
	Last     string // day
}

// topBuyers is how many customers a product's page names.
const topBuyers = 20

// soldLine is a line of a product with what matters of its order.
type soldLine struct {
	customer   id.Customer
	order      id.Order
	day        string
	isReturn   bool
	currency   money.Currency
	rate       sql.NullInt64
	pieces     int64
	totalMinor int64
}

// SoldOf reads what a product has sold from all lines: there is no index by
// product, see docs/performance.md.
func SoldOf(ctx context.Context, q store.Querier, p id.Product) (Sold, error) {
	b, err := openBooks(ctx, q)
	if err != nil {
		return Sold{}, err
	}
	s := selling{base: b.base, months: map[string]*SoldMonth{}, buyers: map[id.Customer]*Buyer{}}
	for _, query := range []string{
		`select o.customer_id, o.order_id, o.placed_day, o.is_return, o.currency, o.rate, l.quantity_milli, l.total_minor
		from order_lines l join orders o on o.customer_id = l.customer_id and o.order_id = l.order_id
		where l.product_id = $1 and o.cancelled_at is null`,
		`with mine as materialized (select order_id, quantity_milli, total_minor from walkin_order_lines where product_id = $1)
		select cast(0 as bigint), o.order_id, o.placed_day, o.is_return, o.currency, o.rate, mine.quantity_milli, mine.total_minor
		from mine join walkin_orders o on o.order_id = mine.order_id where o.cancelled_at is null`,
	} {
		rows, err := q.Query(ctx, query, int64(p))
		if err != nil {
			return Sold{}, fmt.Errorf("read what product %s sold: %w", p, err)
		}
		for rows.Next() {
			var l soldLine
			if err := rows.Scan(&l.customer, &l.order, &l.day, &l.isReturn, &l.currency, &l.rate, &l.pieces, &l.totalMinor); err != nil {
				rows.Close()
				return Sold{}, err
			}
			if err := s.add(l); err != nil {
				rows.Close()
				return Sold{}, err
			}
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return Sold{}, err
		}
	}
	return s.sum(), nil
}

type selling struct {
	base   money.Currency
	sold   Sold
	months map[string]*SoldMonth
	buyers map[id.Customer]*Buyer
	seen   map[id.Order]bool
}

func (s *selling) add(l soldLine) error {
	amount := int64(0)
	if l.rate.Valid {
		a, err := money.Amount{Minor: l.totalMinor, Currency: l.currency}.Convert(s.base, money.Rate(l.rate.Int64))
		if err != nil {
			return fmt.Errorf("value a line: %w", err)
		}
		amount = a.Minor
	} else {
		s.sold.Unvalued++
	}
	n := pieces(l.pieces)
	if l.isReturn {
		s.sold.Returned += n
		s.sold.Back += amount
		return nil
	}
	s.sold.Pieces += n
	s.sold.Amount += amount
	month := l.day[:7]
	m := s.months[month]
	if m == nil {
		m = &SoldMonth{Month: month}
		s.months[month] = m
	}
	m.Pieces += n
	if s.seen == nil {
		s.seen = map[id.Order]bool{}
	}
	first := !s.seen[l.order]
	s.seen[l.order] = true
	if l.customer == 0 {
		m.Walkins += amount
		if first {
			s.sold.Walkins++
		}
		return nil
	}
	m.Customers += amount
	buyer := s.buyers[l.customer]
	if buyer == nil {
		buyer = &Buyer{Customer: l.customer}
		s.buyers[l.customer] = buyer
	}
	if first {
		buyer.Orders++
	}
	buyer.Pieces += n
	buyer.Amount += amount
	buyer.Last = max(buyer.Last, l.day)
	return nil
}

func (s *selling) sum() Sold {
	s.sold.Buyers = len(s.buyers)
	for _, b := range s.buyers {
		if b.Orders > 1 {
			s.sold.Again++
		}
		s.sold.Top = append(s.sold.Top, *b)
	}
	slices.SortFunc(s.sold.Top, func(a, b Buyer) int {
		return cmp.Or(cmp.Compare(b.Orders, a.Orders), cmp.Compare(b.Amount, a.Amount), cmp.Compare(a.Customer, b.Customer))
	})
	s.sold.Top = s.sold.Top[:min(len(s.sold.Top), topBuyers)]
	first, last := "", ""
	for m := range s.months {
		if first == "" || m < first {
			first = m
		}
		last = max(last, m)
	}
	for m := first; m != "" && m <= last; m = nextMonth(m) {
		month := SoldMonth{Month: m}
		if have := s.months[m]; have != nil {
			month = *have
		}
		s.sold.Months = append(s.sold.Months, month)
	}
	return s.sold
}

func nextMonth(m string) string {
	next := addDays(m+"-28", 7)
	if len(next) < 7 || next[:7] <= m {
		return "9999-99"
	}
	return next[:7]
}

// ProductFilter says which products are wanted.
type ProductFilter struct {
	Query    string // words of the name or the sku
	Kind     string
	Category id.Category // with those under it; 0: any
	Sort     string      // name (the usual), sku, added
	Desc     bool
	After    string // cursor
	Limit    int    // 0: 50
}

var productSorts = map[string]string{"name": "name", "sku": "sku", "added": "id"}

// ListProducts returns a part of the catalogue and the cursor of what follows.
func ListProducts(ctx context.Context, q store.Querier, f ProductFilter) (products []Product, next string, err error) {
	c, err := f.conditions(ctx, q)
	if err != nil {
		return nil, "", err
	}
	column, ok := productSorts[f.Sort]
	if !ok {
		f.Sort, column = "name", "name"
	}
	direction, than := "asc", ">"
	if f.Desc {
		direction, than = "desc", "<"
	}
	if f.After != "" {
		last, value, _ := strings.Cut(f.After, ".")
		p, err := id.ParseProduct(last)
		if err == nil {
			var from any = text.Clean(value)
			if column == "id" {
				from = int64(p)
			}
			c.add(fmt.Sprintf("(%s, id) %s (?, ?)", column, than), from, int64(p))
		}
	}
	limit := cmp.Or(f.Limit, 50)
	args := append(c.args, limit+1)
	products, err = store.All(ctx, q, scanProduct, fmt.Sprintf(`select %s from products %s order by %s %s, id %s limit $%d`,
		productColumns, c.clause(), column, direction, direction, len(args)), args...)
	if err != nil {
		return nil, "", fmt.Errorf("list products: %w", err)
	}
	if len(products) > limit {
		products = products[:limit]
		last := products[limit-1]
		value := map[string]string{"name": last.Name, "sku": last.SKU}[f.Sort]
		next = last.ID.String() + "." + value
	}
	return products, next, nil
}

func (f ProductFilter) conditions(ctx context.Context, q store.Querier) (c conditions, err error) {
	for _, word := range strings.Fields(text.Fold(text.Line(f.Query))) {
		c.add("search like ? escape '!'", "%"+escaped(word)+"%")
	}
	if f.Kind != "" {
		c.add("kind = ?", f.Kind)
	}
	if f.Category != 0 {
		under, err := within(ctx, q, f.Category)
		if err != nil {
			return c, err
		}
		c.add("category_id in (?"+strings.Repeat(", ?", len(under)-1)+")", int64s(under)...)
	}
	return c, nil
}

// within are a category and all under it.
func within(ctx context.Context, q store.Querier, c id.Category) ([]id.Category, error) {
	all, err := Categories(ctx, q)
	if err != nil {
		return nil, err
	}
	under := []id.Category{c}
	for i := 0; i < len(under); i++ {
		for _, other := range all {
			if other.Parent == under[i] && !slices.Contains(under, other.ID) {
				under = append(under, other.ID)
			}
		}
	}
	return under, nil
}

// CountProducts returns how many products match.
func CountProducts(ctx context.Context, q store.Querier, f ProductFilter) (int, error) {
	c, err := f.conditions(ctx, q)
	if err != nil {
		return 0, err
	}
	var n int
	err = q.QueryRow(ctx, `select count(*) from products `+c.clause(), c.args...).Scan(&n)
	return n, err
}
