package demo

import (
	"math"
	"slices"
	"time"

	"regulars/internal/know/customers"
)

// How the customers of the store are spread. These numbers were chosen so
// that the figures of a year resemble those of the real store in
// docs/demo-store.md.
const (
	walkInsPerThousand = 1000  // sales to nobody known, for each thousand customers
	neverBought        = 0.012 // signed up for the newsletter only
	oldHands           = 0.3   // bought before the store's records begin
	leavingA, leavingB = 0.22, 1.35
	followUp           = 0.06 // a small purchase soon after another
	carrierFrom        = 455  // days of a parcel carrier in Germany that was late
	carrierUntil       = 520
	pricesRose         = 425 // the day
)

// kinds are how the four kinds of buyer differ.
var kinds = [4]struct {
	share  float64
	shape  float64 // of the rates: the smaller, the more different they are
	rate   float64 // mean purchases a year
	steady float64 // 1: at random; more: a rhythm
	online float64 // share of who mostly buys online
}{
	coffee: {share: 0.37, shape: 1.2, rate: 7.9, steady: 5, online: 0.5},
	tea:    {share: 0.20, shape: 1.1, rate: 4.6, steady: 3, online: 0.6},
	gifts:  {share: 0.395, shape: 1.0, rate: 1.9, steady: 1, online: 0.55},
	office: {share: 0.035, shape: 1.5, rate: 17, steady: 3, online: 0.75},
}

// customer draws somebody, what they buy in two years, and what the shop knows
// of them.
func (p *plan) customer(d dice) {
	who := p.crowd.person(d)
	who.kind = d.pick(kinds[coffee].share, kinds[tea].share, kinds[gifts].share, kinds[office].share)
	k := kinds[who.kind]
	who.steady = k.steady
	who.spend = d.lognormal(0.46)
	who.leaving = d.beta(leavingA, leavingB)
	who.online = 0.97
	nearby := who.Country == "IT" || who.Country == "CZ" || who.Country == "BG"
	if nearby && !d.chance(k.online) {
		who.online = 0.12
	}
	p.taste(d, &who)
	old := d.chance(oldHands)
	for {
		who.pause = 365 / max(d.gamma(k.shape, k.rate), 0.15)
		if old && who.pause*d.Float64() > 300 { // they may never have come in these years
			continue
		}
		break
	}
	begin := d.Float64() * Days
	if old {
		begin = d.Float64() * min(who.pause, 200)
		who.leaving = d.beta(leavingA, leavingB*1.6)
	}
	p.people = append(p.people, who)
	i := len(p.people) - 1
	known := newDice(p.seed, 1<<51+uint64(i)) // who somebody is does not hang on how often they came
	if d.chance(neverBought) {
		p.people[i].online = 1
		p.known(known, i, p.clock(known, p.seasonOf(who.kind).day(begin), "online"))
		return
	}
	first := p.buys(d, i, begin)
	p.known(known, i, first.at.Add(-time.Duration(known.between(1, 9))*time.Minute))
}

func (p *plan) seasonOf(kind int) season {
	if kind == gifts {
		return p.giving
	}
	return p.everyday
}

// taste draws the coffee or tea that somebody keeps coming back for.
func (p *plan) taste(d dice, who *person) {
	use := "bean"
	if who.kind == tea || who.kind == gifts && d.chance(0.4) {
		use = "tea"
	}
	who.staple = p.goods.any(d, use, func(g *product) float64 {
		if who.kind == office && g.grams < 1000 {
			return 0
		}
		return 1
	})
	who.brew = p.goods.all[who.staple].goes
	if use == "tea" && who.brew == "" {
		who.brew = "tea"
	}
}

// buys draws a customer's purchases from a moment on, and returns the first.
func (p *plan) buys(d dice, i int, habit float64) *sale {
	who := &p.people[i]
	season := p.seasonOf(who.kind)
	begin := len(p.sales)
	for n := 0; habit < Days; n += 2 {
		bags, bagsLast := p.bags(d, who)
		s := p.purchase(p.basketDice(i, n), i, season.day(habit), bags)
		leaving := who.leaving
		if s.delivered > s.promised { // a broken promise costs customers
			leaving = min(1, leaving*2+0.1)
		}
		if d.chance(followUp) && s.cancelled.IsZero() {
			p.followUp(p.basketDice(i, n+1), i, season.day(habit))
		}
		if d.chance(leaving) {
			break
		}
		habit += max(who.pause*bagsLast*d.gamma(who.steady, 1), 0.8)
	}
	return slices.MinFunc(p.sales[begin:], func(a, b *sale) int { return a.at.Compare(b.at) })
}

// basketDice are the dice of one purchase. What is in it depends on the season,
// and so on the calendar; that there is a purchase does not.
func (p *plan) basketDice(i, n int) dice { return newDice(p.seed, 1<<50+uint64(i)<<16+uint64(n)) }

// bags is how much of their own coffee or tea somebody takes this time (0:
// something else), and how long that lasts: 1 in the mean.
func (p *plan) bags(d dice, who *person) (n int, last float64) {
	n = [...]int{0, 1, 2, 3}[d.pick(10, 65, 19, 6)]
	if who.kind == gifts || who.kind == office {
		return n, 1
	}
	return n, max(float64(n)*0.75, 0.8)
}

// followUp is a small purchase a few days later: something was forgotten, or
// liked.
func (p *plan) followUp(d dice, i, day int) {
	day += 1 + int(d.gamma(1.5, 4))
	if day >= Days {
		return
	}
	s := p.begin(d, i, day)
	use := [...]string{"bean", "tea", "sweet", "gift"}[d.pick(3, 2, 3, 1)]
	p.put(s, p.goods.any(d, use, like), 1)
	p.finish(d, s, day)
}

// walkIns are sales at the counters to people who left no name.
func (p *plan) walkIns(d dice, n int) {
	for range n {
		day := p.everyday.day(d.Float64() * Days)
		s := &sale{who: -1, channel: "store"}
		s.at = p.clock(d, p.open(day), "store")
		s.staff, s.koruna = p.counter(d, [...]string{"IT", "CZ", "BG"}[d.pick(5, 3, 2)], day)
		for range 1 + d.few(0.8) {
			use := [...]string{"bean", "tea", "sweet", "gift", "with"}[d.pick(4, 2, 3, 2, 1)]
			p.put(s, p.goods.any(d, use, like), 1)
		}
		p.total(d, s, day)
		p.sales = append(p.sales, s)
	}
}

// open moves a Sunday, when the counters are closed, to a day beside it.
func (p *plan) open(day int) int {
	if p.day(day).Weekday() != time.Sunday {
		return day
	}
	if day+1 < Days {
		return day + 1
	}
	return day - 1
}

// counter says who sells at the counter of a country.
func (p *plan) counter(d dice, country string, day int) (staff string, koruna bool) {
	switch country {
	case "CZ":
		if day > 300 { // Tibor is new, and mixes up the bags
			return [...]string{"Matěj", "Tibor"}[d.pick(3, 2)], true
		}
		return "Matěj", true
	case "BG":
		return "Радка", false
	}
	return [...]string{"Giulia", "Paolo"}[d.pick(3, 2)], false
}

// known fills in what the shop knows of somebody who came on a day.
func (p *plan) known(d dice, i int, at time.Time) {
	who := &p.people[i]
	who.Source, who.History = Source, true
	who.JoinedAt = at
	who.JoinedDay = at.Format(time.DateOnly)
	add := func(kind, value string) {
		if value != "" {
			who.Identities = append(who.Identities, customers.Identity{Kind: kind, Value: value})
		}
	}
	where := "Website, sign-up form"
	if who.online > 0.5 {
		add(customers.Email, p.crowd.email(d, who.latin))
		who.Addresses = []customers.Address{who.place.address(d)}
	} else {
		where = "At the counter, on paper"
		if d.chance(0.55) {
			add(customers.Email, p.crowd.email(d, who.latin))
		}
		if d.chance(0.65) {
			add(customers.Card, p.crowd.card())
		}
	}
	if d.chance(0.4) {
		add(customers.Phone, p.crowd.phone(d, who.place))
	}
	if words, ok := agreed[who.Language]; ok && d.chance(0.62) && len(who.Identities) > 0 && who.Identities[0].Kind == customers.Email {
		who.Consents = []customers.Consent{{Channel: "email", Given: true, At: at, Place: where, Words: words}}
		if d.chance(0.09) {
			p.do(deed{who: i, what: "withdraw", at: p.later(at, d.between(20, 400))})
		}
	}
	if who.kind == office {
		who.Tags = append(who.Tags, [...]string{"café", "office"}[d.pick(2, 3)])
	}
	if d.chance(0.05) {
		who.Tastes = []customers.Taste{likings[d.IntN(len(likings))]}
	}
	p.remarks(d, i, at)
}

// remarks are notes and calls that somebody of the staff wrote down.
func (p *plan) remarks(d dice, i int, from time.Time) {
	who := &p.people[i]
	span := int(p.last.Sub(from).Hours() / 24)
	if span < 2 {
		return
	}
	if d.chance(0.035) {
		p.do(deed{who: i, what: "note", at: p.later(from, d.between(1, span)), text: remarks[d.IntN(len(remarks))]})
	}
	hasPhone := len(who.Identities) > 0 && who.Identities[len(who.Identities)-1].Kind == customers.Phone
	if hasPhone && d.chance(0.12) {
		c := calls[d.IntN(len(calls))]
		p.do(deed{who: i, what: "call", at: p.later(from, d.between(1, span)), direction: c[0], outcome: c[1], text: c[2]})
	}
}

// do notes a deed, unless it would lie after the last day.
func (p *plan) do(x deed) {
	if x.at.Before(p.last.AddDate(0, 0, 1)) {
		p.deeds = append(p.deeds, x)
	}
}

// later is about noon some days after.
func (p *plan) later(t time.Time, days int) time.Time {
	t = t.AddDate(0, 0, days)
	return time.Date(t.Year(), t.Month(), t.Day(), 10+days%7, 7*days%60, 0, 0, t.Location())
}

// agreed is what people agree to, word for word, in their language.
var agreed = map[string]string{
	"en": "Yes, write to me about new coffees, teas and offers. I can stop it at any time.",
	"it": "Sì, scrivetemi di nuovi caffè, tè e offerte. Posso smettere quando voglio.",
	"cs": "Ano, pište mi o nových kávách, čajích a nabídkách. Mohu to kdykoli zrušit.",
	"bg": "Да, пишете ми за нови кафета, чайове и оферти. Мога да се откажа по всяко време.",
	"de": "Ja, schreiben Sie mir über neue Kaffees, Tees und Angebote. Ich kann das jederzeit beenden.",
	"fr": "Oui, écrivez-moi au sujet des nouveaux cafés, thés et offres. Je peux arrêter à tout moment.",
	"ko": "네, 새로운 커피와 차, 할인 소식을 보내 주세요. 언제든지 그만둘 수 있습니다.",
	"ru": "Да, пишите мне о новых сортах кофе и чая и о предложениях. Я могу отказаться в любое время.",
}

var likings = []customers.Taste{
	{Kind: "music", Label: "Jazz"}, {Kind: "music", Label: "Opera"}, {Kind: "music", Label: "Choir"}, {Kind: "sport", Label: "Cycling"},
	{Kind: "sport", Label: "Sailing"}, {Kind: "sport", Label: "Climbing"}, {Kind: "sport", Label: "Ice hockey"}, {Kind: "hobby", Label: "Gardening"},
	{Kind: "hobby", Label: "Photography"}, {Kind: "hobby", Label: "Knitting"}, {Kind: "hobby", Label: "Baking"}, {Kind: "food", Label: "Dark chocolate"},
	{Kind: "food", Label: "No milk"}, {Kind: "cause", Label: "Animal shelter"}, {Kind: "cause", Label: "Sea rescue"},
}

var remarks = []string{
	"Asked whether the decaf is made without solvents. Told: with water.",
	"Likes the beans roasted within the week. Look at the date before packing.",
	"Brings the tins back to be filled.",
	"Asked for a lighter roast; gave a sample of the Guji.",
	"Moved the office to the second floor; ring at the back.",
	"Is allergic to nuts: no samples of gianduja.",
	"Would buy a subscription if it could be paused in summer.",
	"Comes with a big dog called Otto. Water bowl is under the counter.",
	"Parcel was left in the rain; asks for delivery to the neighbour at number 12.",
	"Grinds for a moka pot; second notch.",
	"Said the new bags open more easily. Pass it on to Elena.",
	"Asked when the panettone comes. Call when it is here.",
	"Prefers a plain box without ribbon.",
	"Had a question about caffeine in matcha; sent the page.",
	"Recommended us to a colleague, who came on Friday.",
}

// calls are who called, how it ended and what was said.
var calls = [][3]string{
	{"in", "reached", "Where is the parcel? It arrived while we talked."},
	{"in", "reached", "Asked which coffee goes with oat drink. Said: Bora dark."},
	{"out", "no_answer", ""},
	{"out", "message", "Asked to call back about the size of the hamper."},
	{"out", "reached", "Thanked for the large order; will order again before the holidays."},
	{"in", "reached", "Wanted to change the address of the last order; done in time."},
	{"out", "reached", "Asked how the new grinder does. All well."},
	{"out", "wrong_number", ""},
}

// round is half up.
func round(x float64) int64 { return int64(math.Floor(x + 0.5)) }
