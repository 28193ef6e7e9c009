package demo

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"regulars/internal/know/customers"
)

// plan is the whole store before any of it is written.
type plan struct {
	last     time.Time // the beginning of the last day
	goods    catalogue
	everyday season
	giving   season
	people   []person
	sales    []*sale   // by time; a return behind its order
	deeds    []deed    // by time
	news     []boxNews // by time
	rates    []rate
	crowd    *crowd
	seed     uint64
}

// person is a customer and how they buy.
type person struct {
	customers.Profile
	place   *place
	latin   string // of the name, for an email address
	kind    int    // coffee, tea, gifts or office
	online  float64
	spend   float64 // how freely they spend; 1 is the middle
	staple  int     // the coffee or tea they keep coming back for
	brew    string  // espresso, filter, moka
	pause   float64 // days that a bag lasts them
	steady  float64 // how even their rhythm is
	leaving float64 // the chance that a purchase is the last one
}

// The kinds of buyer.
const (
	coffee = iota
	tea
	gifts
	office
)

// sale is an order or a return.
type sale struct {
	who                 int // of people; -1: a walk-in
	at                  time.Time
	channel, staff      string
	koruna              bool
	lines               []line
	discount, shipping  int64
	promised, delivered string
	cancelled           time.Time
	reason, note        string
	of                  *sale // a return: of this order
	number              string
	returns             int
}

type line struct {
	product, quantity int
	price, total      int64
}

// deed is something that is written down about somebody.
type deed struct {
	who       int
	at        time.Time
	what      string // note, call, withdraw, move, erase, tag
	text      string
	direction string
	outcome   string
	address   customers.Address
}

type rate struct {
	day   string
	nanos int64
}

// simulate draws the store whose last day begins at last.
func simulate(last time.Time, seed uint64, count int) (*plan, error) {
	goods, err := readCatalogue()
	if err != nil {
		return nil, err
	}
	names, err := readNames()
	if err != nil {
		return nil, err
	}
	p := &plan{last: last, goods: goods, crowd: names, seed: seed}
	p.everyday, p.giving = newSeason(p.day, everyday), newSeason(p.day, giving)
	p.drawRates()
	cast, err := readCast()
	if err != nil {
		return nil, err
	}
	for _, c := range cast {
		if err := p.play(c); err != nil {
			return nil, fmt.Errorf("the cast: %s: %w", c.Name, err)
		}
	}
	for i := len(p.people); i < count; i++ {
		p.customer(newDice(seed, uint64(i)+1))
	}
	p.walkIns(newDice(seed, 1<<40), count*walkInsPerThousand/1000)
	p.boxes(len(cast))
	p.sort()
	return p, nil
}

// day is the beginning of a day, 0 to Days-1.
func (p *plan) day(i int) time.Time { return p.last.AddDate(0, 0, i-(Days-1)) }

// date is a day as tables have it.
func (p *plan) date(i int) string { return p.day(i).Format(time.DateOnly) }

// clock puts a time of day to a day.
func (p *plan) clock(d dice, day int, channel string) time.Time {
	minute := d.between(8*60+30, 18*60+40)
	if channel == "online" {
		minute = (6*60 + int(d.gamma(5, 13*60))) % (24*60 - 1)
	}
	t := p.day(day)
	return time.Date(t.Year(), t.Month(), t.Day(), minute/60, minute%60, d.IntN(60), 0, t.Location())
}

// sort puts the sales in the order of time and numbers them as the shop would.
func (p *plan) sort() {
	slices.SortStableFunc(p.sales, func(a, b *sale) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.who, b.who)) })
	slices.SortStableFunc(p.deeds, func(a, b deed) int { return a.at.Compare(b.at) })
	next := map[string]int{"online": 20_000, "store": 50_000, "phone": 7_000}
	prefix := map[string]string{"online": "W", "store": "S", "phone": "P"}
	for _, s := range p.sales {
		if s.of != nil {
			s.of.returns++
			s.number = fmt.Sprintf("%s-R%d", s.of.number, s.of.returns)
			continue
		}
		next[s.channel]++
		s.number = fmt.Sprintf("%s%d", prefix[s.channel], next[s.channel])
	}
}

// drawRates makes up what a koruna was worth in euro on each working day.
func (p *plan) drawRates() {
	d := newDice(p.seed, 1<<41)
	euro := 25.1
	for i := -7; i < Days; i++ {
		day := p.day(i)
		euro += (25.1-euro)*0.02 + 0.04*d.NormFloat64()
		if wd := day.Weekday(); wd != time.Saturday && wd != time.Sunday {
			p.rates = append(p.rates, rate{day.Format(time.DateOnly), int64(1e9/euro + 0.5)})
		}
	}
}
