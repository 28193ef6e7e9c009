package importers

import (
	"cmp"
	"math"

	"regulars/internal/know/orders"
	"regulars/internal/measure/retention"
	"regulars/internal/platform/text"
)

// openings are those of all customers; nil where they are not split by them.
func (l *Ledger) openings(s *splitting) openings {
	if s == nil || s.split == retention.ByCountry {
		return nil
	}
	return newOpenings(l.roster.count())
}

// grouped says in which group each customer is.
func (l *Ledger) grouped(j *joining) {
	if j.split == nil {
		return
	}
	if l.group = j.openings.labels(j.split.without); j.split.split == retention.ByCountry {
		l.group = j.split.countries(l.books, j.customer, l.roster.count())
	}
	l.Groups = j.split.labels.Names
}

// splitting numbers what the customers of all pages are split by.
type splitting struct {
	split   retention.Split
	labels  retention.Labels
	without int32 // of who is without it
}

// split gathers the labels of all pages: of a product what it is called, or
// its category, as the first row has it that says so.
func (l *Ledger) split(by retention.Split) *splitting {
	s := &splitting{split: by}
	s.without = s.labels.Number("")
	whole := goodsOf(l.books)
	for _, b := range l.books {
		for _, p := range b.pages {
			p.aside.numbers = make([]int32, len(p.aside.labels.Names))
			for i, name := range p.aside.labels.Names {
				name = text.Line(name)
				switch by {
				case retention.ByProduct:
					name = orders.ProductName(name, whole[name].name)
				case retention.ByCategory:
					name = whole[name].category
				}
				p.aside.numbers[i] = s.labels.Number(name)
			}
		}
	}
	return s
}

// goodsOf puts together what all pages tell of each product, by its SKU.
func goodsOf(books []*book) map[string]good {
	all := map[string]good{}
	for _, b := range books {
		here := map[string]good{}
		for _, p := range b.pages {
			for i, g := range p.aside.goods {
				sku := text.Line(p.aside.labels.Names[i])
				was := here[sku]
				if g.name != "" && (was.name == "" || g.named < was.named) {
					was.name, was.named = g.name, g.named
				}
				if g.category != "" && (was.category == "" || g.shelved < was.shelved) {
					was.category, was.shelved = g.category, g.shelved
				}
				here[sku] = was
			}
		}
		for sku, g := range here {
			was := all[sku]
			all[sku] = good{name: cmp.Or(was.name, text.Line(g.name)), category: cmp.Or(was.category, text.Line(g.category))}
		}
	}
	return all
}

// number is that of a page's label.
func (s *splitting) number(a *aside, label int32) int32 {
	switch label {
	case overfull:
		return retention.Elsewhere
	case unlabelled:
		return s.without
	}
	return a.numbers[label]
}

// opening is a run as that by which its customer may be split.
func (s *splitting) opening(p *page, i int) retention.Opening {
	a := p.aside
	o := retention.Opening{At: int64(p.day[i])*86_400_000 + int64(a.clock[i]), Label: s.number(a, a.label[i])}
	if a.most != nil {
		o.Most = a.most[i]
	}
	return o
}

// countries gives each customer the first country that their orders tell of.
func (s *splitting) countries(books []*book, customer [][][]int32, customers int) []int32 {
	of, at := make([]int32, customers), make([]int64, customers)
	for i := range of {
		of[i], at[i] = s.without, never
	}
	for n, b := range books {
		for i, p := range b.pages {
			for local, l := range p.aside.lands {
				if l.label == unlabelled {
					continue
				}
				if who := customer[n][i][local]; l.at < at[who] {
					at[who], of[who] = l.at, s.number(p.aside, l.label)
				}
			}
		}
		for i, found := range at {
			if found != never {
				at[i] = -1 // before all that a later file tells
			}
		}
	}
	return of
}

const never = int64(math.MaxInt64)

// openings are the first purchases of customers, by their number.
type openings []retention.Opening

func newOpenings(customers int) openings {
	all := make(openings, customers)
	for i := range all {
		all[i].At = never
	}
	return all
}

// see takes an order that may be a customer's first.
func (all openings) see(customer int32, o retention.Opening) {
	if o.Before(all[customer]) {
		all[customer] = o
	}
}

// merge takes the orders that stand later in the files.
func (all openings) merge(later openings) {
	for i, o := range later {
		all.see(int32(i), o)
	}
}

// labels are the groups of the customers.
func (all openings) labels(without int32) []int32 {
	of := make([]int32, len(all))
	for i, o := range all {
		if of[i] = o.Label; o.At == never {
			of[i] = without
		}
	}
	return of
}
