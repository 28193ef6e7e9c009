package demo

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"regulars/internal/know/customers"
)

//go:embed cast.json
var castFile []byte

// part is one of the people with a story. Days are counted back from the last
// day of the store.
type part struct {
	Name, Given, Family, Language, Country string
	Street, City, Postcode                 string
	Home                                   *home // where they lived before the deed "move"
	Email, Phone, Card                     string
	Birthday                               string // MM-DD, or +6: so many days after the last day
	Year                                   int
	NameDay                                string `json:"name_day"`
	Tags, Tastes                           []string
	Consent                                bool
	Buys                                   []habit
	Orders                                 []once
	Deeds                                  []partDeed
}

type home struct{ Country, Street, City, Postcode string }

// habit is a purchase that comes back every so many days.
type habit struct {
	Every, From, To       int
	Lines, Channel, Staff string
}

// once is one order.
type once struct {
	Ago                   int
	Lines, Channel, Staff string
	Late                  int    // so many days after the promised one
	Waiting               bool   // has not come
	Cancel                string // the reason
	Back                  *back
}

type back struct {
	After, Line  int
	Reason, Note string
}

type partDeed struct {
	Ago                            int
	What, Text, Direction, Outcome string
}

func readCast() ([]part, error) {
	var all []part
	if err := json.Unmarshal(castFile, &all); err != nil {
		return nil, fmt.Errorf("read the cast: %w", err)
	}
	return all, nil
}

// play puts somebody of the cast on the stage.
func (p *plan) play(c part) error {
	d := newDice(p.seed, 1<<42+uint64(len(p.people)))
	who := person{place: &place{country: c.Country}}
	who.Name, who.Given, who.Family, who.Language, who.Country = c.Name, c.Given, c.Family, c.Language, c.Country
	now := customers.Address{Street: c.Street, City: c.City, Postcode: c.Postcode, Country: c.Country}
	who.Addresses = []customers.Address{now}
	if c.Home != nil {
		who.Country = c.Home.Country
		who.Addresses = []customers.Address{{Street: c.Home.Street, City: c.Home.City, Postcode: c.Home.Postcode, Country: c.Home.Country}}
	}
	p.people = append(p.people, who)
	i := len(p.people) - 1
	begin := len(p.sales)
	for _, h := range c.Buys {
		for ago := h.From; ago >= h.To; ago -= h.Every + d.between(-h.Every/9, h.Every/9) {
			if err := p.once(d, i, once{Ago: ago, Lines: h.Lines, Channel: h.Channel, Staff: h.Staff}); err != nil {
				return err
			}
		}
	}
	for _, o := range c.Orders {
		if err := p.once(d, i, o); err != nil {
			return err
		}
	}
	first := slices.MinFunc(p.sales[begin:], func(a, b *sale) int { return a.at.Compare(b.at) })
	p.introduce(i, c, first.at.Add(-10*time.Minute))
	for _, x := range c.Deeds {
		at := p.day(Days - 1 - x.Ago)
		p.do(deed{who: i, what: x.What, text: x.Text, direction: x.Direction, outcome: x.Outcome, address: now,
			at: time.Date(at.Year(), at.Month(), at.Day(), 19, 5+len(x.Text)%50, 0, 0, at.Location())})
	}
	return nil
}

// introduce writes down what the shop knows of somebody of the cast.
func (p *plan) introduce(i int, c part, at time.Time) {
	who := &p.people[i]
	who.Source, who.History, who.JoinedAt, who.JoinedDay = Source, true, at, at.Format(time.DateOnly)
	who.Tags = c.Tags
	local, _, _ := strings.Cut(c.Email, "@")
	p.crowd.take(alike(local))
	for _, known := range []customers.Identity{{Kind: customers.Email, Value: c.Email}, {Kind: customers.Card, Value: c.Card}, {Kind: customers.Phone, Value: c.Phone}} {
		if known.Value != "" {
			who.Identities = append(who.Identities, known)
			p.crowd.take(known.Value)
		}
	}
	for _, t := range c.Tastes {
		kind, label, _ := strings.Cut(t, ":")
		who.Tastes = append(who.Tastes, customers.Taste{Kind: kind, Label: label})
	}
	if c.Birthday != "" {
		day := c.Birthday
		if n, err := strconv.Atoi(day); err == nil && (day[0] == '+' || day[0] == '-') {
			day = p.last.AddDate(0, 0, n).Format("01-02")
		}
		who.Dates = append(who.Dates, customers.Date{Kind: "birthday", MonthDay: day, Year: c.Year})
	}
	if c.NameDay != "" {
		who.Dates = append(who.Dates, customers.Date{Kind: "name_day", MonthDay: c.NameDay})
	}
	if c.Consent {
		who.Consents = []customers.Consent{{Channel: "email", Given: true, At: at, Place: "Website, sign-up form", Words: agreed[c.Language]}}
	}
}

// once puts down one order of the cast, as it was told and not as dice would
// have it.
func (p *plan) once(d dice, i int, o once) error {
	who := &p.people[i]
	day := Days - 1 - o.Ago
	if o.Ago < 0 || day < 0 {
		return fmt.Errorf("an order %d days ago lies outside of the store's time", o.Ago)
	}
	s := &sale{who: i, channel: o.Channel, staff: o.Staff, koruna: who.Country == "CZ"}
	if o.Channel == "store" {
		day = p.open(day)
	}
	s.at = p.clock(d, day, o.Channel)
	if err := p.fill(s, o.Lines); err != nil {
		return err
	}
	p.total(d, s, day)
	p.sales = append(p.sales, s)
	if o.Cancel != "" {
		s.cancelled, s.reason = s.at.Add(5*time.Hour), o.Cancel
		return nil
	}
	if o.Channel != "store" {
		takes := 3
		if who.Country == "KR" {
			takes = 9
		}
		s.promised = s.at.AddDate(0, 0, takes).Format(time.DateOnly)
		came := s.at.AddDate(0, 0, cmp.Or(min(o.Late, 1)*(takes+o.Late), takes-1))
		if !o.Waiting && !came.After(p.last.AddDate(0, 0, 1)) {
			s.delivered = came.Format(time.DateOnly)
		}
	}
	if o.Back != nil {
		l := s.lines[o.Back.Line]
		p.sales = append(p.sales, &sale{who: i, at: p.later(s.at, o.Back.After), channel: s.channel, koruna: s.koruna,
			lines: []line{l}, reason: o.Back.Reason, note: o.Back.Note, of: s, discount: l.total * s.discount / s.sum()})
	}
	return nil
}

// fill reads lines such as "BE-SCI-1000*2, FI-PAP-100*1".
func (p *plan) fill(s *sale, lines string) error {
	for part := range strings.SplitSeq(lines, ",") {
		sku, quantity, _ := strings.Cut(strings.TrimSpace(part), "*")
		product, known := p.goods.bySKU[sku]
		n, err := strconv.Atoi(quantity)
		if !known || err != nil || n < 1 {
			return fmt.Errorf("the line %q is of no product", part)
		}
		p.put(s, product, n)
	}
	return nil
}
