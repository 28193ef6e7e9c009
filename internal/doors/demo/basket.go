package demo

import (
	"time"
)

// purchase draws what somebody buys on a day, beside so many bags of their own
// coffee or tea; without any, they are out for something else.
func (p *plan) purchase(d dice, i, day, bags int) *sale {
	who := &p.people[i]
	s := p.begin(d, i, day)
	switch who.kind {
	case coffee, tea:
		if bags > 0 {
			p.put(s, who.staple, bags)
		} else {
			p.put(s, p.goods.any(d, p.goods.all[who.staple].use, like), 1)
		}
		for range d.few(0.6 * who.spend) {
			p.put(s, p.goods.any(d, p.goods.all[who.staple].use, like), 1)
		}
		p.beside(d, s, who)
		p.presents(d, s, p.festive(day, 0.09, 0.4), who.spend)
	case gifts:
		if d.chance(0.45) {
			p.put(s, who.staple, 1)
		}
		p.presents(d, s, 1, who.spend)
	case office:
		p.supplies(d, s, who, day)
	}
	if d.chance(0.02 * who.spend) {
		p.put(s, p.goods.any(d, "ware", like), 1)
	}
	p.finish(d, s, day)
	return s
}

// festive is a chance that rises before Christmas.
func (p *plan) festive(day int, plain, high float64) float64 {
	if t := p.day(day); t.Month() == time.December && t.Day() < 24 || t.Month() == time.November && t.Day() > 14 {
		return high
	}
	return plain
}

// beside puts in complements and sweets.
func (p *plan) beside(d dice, s *sale, who *person) {
	if d.chance(0.2) {
		p.put(s, p.goods.any(d, "with", goesWith(who.brew)), 1)
	}
	for range d.few(0.6 * who.spend) {
		p.put(s, p.goods.any(d, "sweet", like), d.between(1, 2))
	}
}

// presents puts in gifts.
func (p *plan) presents(d dice, s *sale, chance, spend float64) {
	if !d.chance(chance) {
		return
	}
	christmas := 0.03
	if m := s.at.Month(); m == time.November || m == time.December {
		christmas = 1.4
	}
	for range 1 + d.few(1.6*spend) {
		g := p.goods.any(d, "gift", func(g *product) float64 {
			if g.goes == "christmas" {
				return christmas
			}
			return 1
		})
		p.put(s, g, [...]int{1, 2, 3}[d.pick(80, 15, 5)])
	}
	if d.chance(0.3) {
		p.put(s, p.goods.any(d, "sweet", like), 1)
	}
}

// supplies is what a café or an office orders: by the kilogram.
func (p *plan) supplies(d dice, s *sale, who *person, day int) {
	kilos := max(1, int(round(3.5*who.spend*who.spend*who.spend*d.lognormal(0.3))))
	p.put(s, who.staple, kilos)
	if d.chance(0.3) {
		p.put(s, p.goods.any(d, "bean", func(g *product) float64 { return g.grams - 249 }), max(1, kilos/3))
	}
	if d.chance(0.3) {
		p.put(s, p.goods.any(d, "tea", like), max(1, kilos/4))
	}
	for range d.few(0.9) {
		p.put(s, p.goods.any(d, "office", like), max(1, kilos/5))
	}
	if d.chance(p.festive(day, 0, 0.3)) {
		p.put(s, p.goods.bySKU["GI-HAM-001"], d.between(4, 10)*max(1, int(who.spend)))
	}
}

// put adds a product to a basket; one that is in it already becomes more.
func (p *plan) put(s *sale, product, quantity int) {
	if product < 0 {
		return
	}
	for i := range s.lines {
		if s.lines[i].product == product {
			s.lines[i].quantity += quantity
			return
		}
	}
	s.lines = append(s.lines, line{product: product, quantity: quantity})
}

// begin opens a basket on a day; a customer of the counters finds them closed
// on Sunday.
func (p *plan) begin(d dice, i, day int) *sale {
	who := &p.people[i]
	s := &sale{who: i, channel: "store", koruna: who.Country == "CZ"}
	if d.chance(who.online) {
		s.channel = "online"
		if d.chance(0.05) || who.kind == office && d.chance(0.35) {
			s.channel = "phone"
		}
	}
	if s.channel == "store" {
		day = p.open(day)
		s.staff, s.koruna = p.counter(d, who.Country, day)
	}
	if s.channel == "phone" {
		s.staff = [...]string{"Marta", "Paolo"}[d.pick(4, 1)]
	}
	s.at = p.clock(d, day, s.channel)
	return s
}

// finish prices a basket and draws what becomes of it.
func (p *plan) finish(d dice, s *sale, day int) {
	p.total(d, s, day)
	p.sales = append(p.sales, s)
	if s.channel != "store" {
		if d.chance(0.018) {
			p.callOff(d, s)
			return
		}
		p.deliver(d, s, day)
	}
	p.bringBack(d, s)
}

// total prices the lines, and adds what sending costs.
func (p *plan) total(d dice, s *sale, day int) {
	sum := int64(0)
	for i := range s.lines {
		l := &s.lines[i]
		g := &p.goods.all[l.product]
		l.price = g.euro
		step := int64(10)
		if s.koruna {
			l.price, step = g.koruna, 500
		}
		if day >= pricesRose {
			l.price = (l.price*105/100 + step/2) / step * step
		}
		l.total = l.price * int64(l.quantity)
		sum += l.total
	}
	t := p.day(day)
	if s.who >= 0 && p.people[s.who].kind == office && sum > 20_000 {
		s.discount = sum * 8 / 100
	} else if t.Month() == time.November && t.Day() >= 22 && t.Day() <= 30 && s.channel == "online" && d.chance(0.5) {
		s.discount = sum / 10 // the week of the beans
	}
	free, fee := int64(4500), int64(490)
	if s.koruna {
		free, fee = 115_000, 9900
	}
	if s.channel != "store" && sum-s.discount < free {
		s.shipping = fee
	}
}

// deliver draws when a parcel was promised and when it came. What has not come
// by the last day is on its way.
func (p *plan) deliver(d dice, s *sale, day int) {
	who := &p.people[s.who]
	takes := 3
	switch who.Country {
	case "KR", "US":
		takes = 9
	case "GB", "IE":
		takes = 5
	case "BG":
		takes = 4
	}
	late := 0.055
	if m := s.at.Month(); m == time.December {
		late = 0.12
	}
	if who.Country == "DE" && day >= carrierFrom && day < carrierUntil {
		late = 0.45
	}
	arrives := takes - d.pick(5, 3, 1)
	if d.chance(late) {
		arrives = takes + 1 + int(d.gamma(1.2, 2.5))
	}
	s.promised = s.at.AddDate(0, 0, takes).Format(time.DateOnly)
	if came := s.at.AddDate(0, 0, arrives); !came.After(p.last.AddDate(0, 0, 1)) {
		s.delivered = came.Format(time.DateOnly)
	}
}

// callOff cancels an order some hours later.
func (p *plan) callOff(d dice, s *sale) {
	at := s.at.Add(time.Duration(d.between(20, 1800)) * time.Minute)
	if at.After(p.last.AddDate(0, 0, 1)) {
		return
	}
	s.cancelled = at
	s.reason = [...]string{"changed_mind", "out_of_stock", "payment", "duplicate", "too_expensive", "late"}[d.pick(30, 24, 20, 12, 9, 5)]
}

// bringBack draws whether something of a sale comes back, and why.
func (p *plan) bringBack(d dice, s *sale) {
	reason := ""
	which := d.IntN(len(s.lines))
	for i, l := range s.lines {
		if p.goods.all[l.product].sku == "PO-GLA-001" && s.channel != "store" && d.chance(0.22) { // its box is too thin
			which, reason = i, "damaged"
		}
	}
	switch {
	case reason != "":
	case s.delivered > s.promised && d.chance(0.12):
		reason = "late"
	case s.staff == "Tibor" && d.chance(0.07):
		reason = "wrong_item"
	case d.chance(0.016):
		reason = [...]string{"damaged", "wrong_item", "not_as_described", "changed_mind", "does_not_fit", "other"}[d.pick(30, 18, 17, 25, 4, 6)]
	default:
		return
	}
	at := p.later(s.at, d.between(3, 16))
	if at.After(p.last.AddDate(0, 0, 1)) {
		return
	}
	back := &sale{who: s.who, at: at, channel: s.channel, koruna: s.koruna, reason: reason, of: s}
	if reason == "late" { // they keep the goods; some money is given back
		back.shipping = max(s.shipping, (s.sum()-s.discount)/10)
	} else {
		l := s.lines[which]
		if l.quantity > 2 {
			l.quantity = 1
			l.total = l.price
		}
		back.lines = []line{l}
		back.discount = l.total * s.discount / max(1, s.sum())
	}
	p.sales = append(p.sales, back)
}

func (s *sale) sum() int64 {
	sum := int64(0)
	for _, l := range s.lines {
		sum += l.total
	}
	return sum
}
