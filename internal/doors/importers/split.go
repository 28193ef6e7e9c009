package importers

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"regulars/internal/know/orders"
	"regulars/internal/measure/retention"
	"regulars/internal/platform/sheet"
)

// aside is what a page notes beside its columns when customers are split: of
// each run what its order is labelled by, or of each person their country.
type aside struct {
	split   retention.Split
	labels  retention.Labels // channels, countries: as they are written
	goods   []good           // products; labels are by their place
	numbers []int32          // of each label in splitting.labels, once all is read

	clock []int32 // of each run: when on its day, in milliseconds
	label []int32 // of each run: its channel, or the product that it holds most of
	most  []int64 // of each run: what that product's line comes to
	lands []land  // of each person of the roster

	clocks map[string]int32 // of dates as written
	codes  map[string]string
}

// good is a product as the rows of a page tell of it; shelved and named are
// where they first gave its category and its name.
type good struct {
	name, category string
	named, shelved int64
}

// land is the first country that a person's orders tell of.
type land struct {
	label int32
	at    int64
}

const (
	unlabelled int32 = -1
	// overfull stands for what a page met when it had mostLabels of others.
	overfull int32 = -2
)

// mostLabels bounds the channels or products that a page tells apart.
const mostLabels = 1 << 18

func newAside(split retention.Split) *aside {
	if split == retention.Together {
		return nil
	}
	return &aside{split: split, clocks: map[string]int32{}, codes: map[string]string{}}
}

// number is that of a label, whose text may be valid for this row only.
func (a *aside) number(label string) int32 {
	n, ok := a.labels.Known(label)
	switch {
	case ok:
		return n
	case len(a.labels.Names) >= mostLabels:
		return overfull
	}
	return a.labels.Number(strings.Clone(label))
}

// fill reads the cells of a plain row that lean has no need of, as reader does.
func (a *aside) fill(l *lean, cells [][]byte, rec *Record) {
	switch a.split {
	case retention.ByChannel:
		rec.Channel = cmp.Or(l.cell(cells, Channel), l.settings.Channel)
	case retention.ByCountry:
		cell := l.cell(cells, Country)
		code, ok := a.codes[cell]
		if !ok {
			code = country(cell)
			if len(a.codes) > 1<<16 {
				clear(a.codes)
			}
			a.codes[strings.Clone(cell)] = code
		}
		rec.Person.Country = code
	default:
		rec.SKU, rec.Product = strings.TrimPrefix(l.cell(cells, SKU), "'"), l.cell(cells, Product)
		rec.Category = l.cell(cells, Category)
	}
}

// cell is reader.cell of a row that is not made of texts yet.
func (l *lean) cell(cells [][]byte, f Field) string {
	i, ok := l.reader.at[f]
	if !ok {
		return ""
	}
	column := func(i int) string {
		if i >= len(cells) {
			return ""
		}
		return strings.TrimSpace(str(cells[i]))
	}
	cell := column(i)
	for _, i := range l.instead[f] {
		if cell == "" {
			cell = column(i)
		}
	}
	if len(cell) > 1 && cell[0] == '\'' && strings.IndexByte("=+-@", cell[1]) >= 0 {
		return cell[1:]
	}
	return cell
}

// begin notes what a page's new run, the last, is labelled by.
func (a *aside) begin(p *page, who int32, rec *Record, total, at int64) {
	if a.split == retention.ByCountry {
		if who >= 0 && rec.Person.Country != "" {
			a.land(who, rec.Person.Country, at)
		}
		return
	}
	a.clock = append(a.clock, a.moment(p))
	if a.split == retention.ByChannel {
		a.label = append(a.label, a.number(rec.Channel))
		return
	}
	a.label, a.most = append(a.label, unlabelled), append(a.most, 0)
	a.hold(rec, total, at)
}

// hold notes what else the last run holds.
func (a *aside) hold(rec *Record, total, at int64) {
	if a.split != retention.ByProduct && a.split != retention.ByCategory {
		return
	}
	if rec.Items == nil {
		a.line(&rec.Item, total, at)
		return
	}
	for i := range rec.Items {
		if total, _, err := whole(&rec.Items[i], rec.Currency); err == nil {
			a.line(&rec.Items[i], total, at)
		}
	}
}

func (a *aside) line(i *Item, total, at int64) {
	n := a.product(i, at)
	if i.Kind == orders.KindService {
		return
	}
	last := len(a.label) - 1
	o := retention.Opening{Label: a.label[last], Most: a.most[last]}
	if o.Hold(n, total, 0) {
		a.label[last], a.most[last] = o.Label, o.Most
	}
}

// product is the place of a line's product, of which it may tell the name and
// the category that were missing.
func (a *aside) product(i *Item, at int64) int32 {
	n := a.number(i.sku())
	if n == overfull {
		return n
	}
	if int(n) == len(a.goods) {
		a.goods = append(a.goods, good{})
	}
	g := &a.goods[n]
	if g.name == "" && i.Product != "" {
		g.name, g.named = strings.Clone(i.Product), at
	}
	if g.category == "" && i.Category != "" {
		g.category, g.shelved = strings.Clone(i.Category), at
	}
	return n
}

func (a *aside) land(who int32, code string, at int64) {
	for int(who) >= len(a.lands) {
		a.lands = append(a.lands, land{label: unlabelled})
	}
	if a.lands[who].label == unlabelled {
		a.lands[who] = land{a.number(code), at}
	}
}

// moment is when on its day the page's last order was placed.
func (a *aside) moment(p *page) int32 {
	if !p.quick {
		return clockOf(p.at.In(p.zone))
	}
	c := p.when
	if ms, ok := isoClock(c); ok {
		return ms
	}
	if ms, ok := a.clocks[str(c)]; ok {
		return ms
	}
	ms := int32(0)
	if when, err := sheet.ParseTime(string(c), p.settings.Dates); err == nil {
		ms = clockOf(when.In(p.reader.zone).In(p.zone))
	}
	if len(a.clocks) > 1<<16 {
		clear(a.clocks)
	}
	a.clocks[string(c)] = ms
	return ms
}

// isoClock is the time of day of what isoDay reads.
func isoClock(c []byte) (int32, bool) {
	if _, ok := isoDay(c); !ok {
		return 0, false
	}
	clock := [3]int{}
	for i, at := range []int{11, 14, 17} {
		if at < len(c) {
			clock[i], _ = digits(c[at : at+2])
		}
	}
	return int32((clock[0]*60+clock[1])*60+clock[2]) * 1000, true
}

func clockOf(t time.Time) int32 {
	h, m, s := t.Clock()
	return int32(((h*60+m)*60+s)*1000 + t.Nanosecond()/1e6)
}

// reserve makes room for so many runs.
func (a *aside) reserve(n int) {
	if a.split == retention.ByCountry {
		return
	}
	a.clock, a.label = slices.Grow(a.clock, n), slices.Grow(a.label, n)
	if a.split != retention.ByChannel {
		a.most = slices.Grow(a.most, n)
	}
}
