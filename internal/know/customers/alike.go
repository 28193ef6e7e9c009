package customers

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// person is what of a customer tells whether two are one.
type person struct {
	id        id.Customer
	name      string   // words folded and in order
	emails    []string // canonical
	phones    []string // the last nine digits
	birthday  string   // MM-DD
	year      int64    // of birth, 0: unknown
	cities    []string
	postcodes []string
}

// traits are the hashes by which candidates are found. Each must be cheap to
// share for one person written twice, and rare among others.
func (p *person) traits() []trait {
	var all []trait
	add := func(parts ...string) { all = append(all, trait{hash(parts...), p.id}) }
	for _, phone := range p.phones {
		add("phone", phone)
	}
	for _, email := range p.emails {
		local, domain, _ := strings.Cut(email, "@")
		add("email", email)
		if len(local) >= 5 {
			add("local", local)
		}
		if p.name != "" {
			add("domain", domain, p.name)
		}
	}
	if p.name == "" {
		return all
	}
	if strings.Contains(p.name, " ") {
		add("name", p.name)
	}
	for _, city := range p.cities {
		add("name city", p.name, city)
	}
	for _, postcode := range p.postcodes {
		add("name postcode", initials(p.name), postcode)
	}
	if p.birthday != "" {
		add("name birthday", initials(p.name), p.birthday)
	}
	return all
}

// numbered reports whether nothing is known of a person but a number
// somewhere else: no email or phone could tell them from anybody.
func (p *person) numbered() bool { return len(p.emails) == 0 && len(p.phones) == 0 }

// initials survive most slips of the hand.
func initials(name string) string {
	var b strings.Builder
	for _, w := range strings.Fields(name) {
		b.WriteRune([]rune(w)[0])
	}
	return b.String()
}

// like says how sure it is that two are one person, and why. What speaks
// against it (another birthday, quite another name) counts too.
func (p *person) like(o *person) (score float64, reasons []string) {
	say := func(reason string, weight float64) {
		score += weight
		reasons = append(reasons, reason)
	}
	if shared(p.phones, o.phones) {
		say("phone", 0.6)
	}
	switch {
	case shared(p.emails, o.emails):
		say("email", 0.7)
	case nearEmail(p.emails, o.emails):
		say("near_email", 0.35)
	}
	if p.name != "" && o.name != "" {
		switch {
		case p.name == o.name:
			say("name", 0.4)
			if strings.Contains(p.name, " ") && (p.numbered() || o.numbered()) {
				say("number_only", 0.15)
			}
		case near(p.name, o.name) || within(p.name, o.name) || within(o.name, p.name):
			say("near_name", 0.3)
		default:
			score -= 0.3
		}
	}
	if p.birthday != "" && o.birthday != "" {
		switch {
		case p.birthday == o.birthday && p.year == o.year && p.year != 0:
			say("birthday", 0.35)
		case p.birthday == o.birthday && (p.year == 0 || o.year == 0):
			say("birthday", 0.2)
		default:
			score -= 0.4
		}
	}
	if shared(p.postcodes, o.postcodes) {
		say("postcode", 0.25)
	} else if shared(p.cities, o.cities) {
		say("city", 0.15)
	}
	return min(score, 1), reasons
}

func shared(a, b []string) bool {
	return slices.ContainsFunc(a, func(v string) bool { return slices.Contains(b, v) })
}

func nearEmail(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			xl, xd, _ := strings.Cut(x, "@")
			yl, yd, _ := strings.Cut(y, "@")
			if xl == yl && len(xl) >= 5 || xd == yd && near(xl, yl) {
				return true
			}
		}
	}
	return false
}

// near allows one slip in a word of four letters, two from ten on. A slip is a
// letter too many, too few, another one, or two swapped.
func near(a, b string) bool {
	x, y := []rune(a), []rune(b)
	allowed := 0
	switch n := min(len(x), len(y)); {
	case n >= 10:
		allowed = 2
	case n >= 4:
		allowed = 1
	}
	return allowed > 0 && slips(x, y, allowed) <= allowed
}

// within reports whether one name is part of the other, with a middle name
// more, say. One word alone is too little.
func within(short, long string) bool {
	words, more := strings.Fields(short), strings.Fields(long)
	for _, w := range words {
		if !slices.Contains(more, w) {
			return false
		}
	}
	return len(words) >= 2
}

// slips is the distance by optimal string alignment; when it is more than
// most it need not be exact.
func slips(a, b []rune, most int) int {
	if d := len(a) - len(b); d > most || -d > most {
		return most + 1
	}
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		now := make([]int, len(b)+1)
		now[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			now[j+1] = min(now[j]+1, last[j+1]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				now[j+1] = min(now[j+1], before[j-1]+1)
			}
		}
		before, last = last, now
	}
	return last[len(b)]
}

// canonicalEmail undoes what mail services ignore: what follows a +, and the
// dots of Gmail.
func canonicalEmail(v string) string {
	local, domain, _ := strings.Cut(v, "@")
	local, _, _ = strings.Cut(local, "+")
	if domain == "gmail.com" || domain == "googlemail.com" {
		local, domain = strings.ReplaceAll(local, ".", ""), "gmail.com"
	}
	return local + "@" + domain
}

// readTraits reads a slice of living customers, ascending after a given one.
func readTraits(ctx context.Context, q store.Querier, after id.Customer, limit int) ([]*person, error) {
	ids, err := store.All(ctx, q, store.Scalar[int64], `
		select customer_id from customers where customer_id > $1 and merged_into is null and erased_at is null
		order by customer_id limit $2`, int64(after), limit)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	found, err := readPersonsWhere(ctx, q, `customer_id >= $1 and customer_id <= $2`, ids[0], ids[len(ids)-1])
	if err != nil {
		return nil, err
	}
	var all []*person
	for _, c := range ids {
		if p := found[id.Customer(c)]; p != nil {
			all = append(all, p)
		}
	}
	return all, nil
}

func readPersons(ctx context.Context, q store.Querier, ids []id.Customer) (map[id.Customer]*person, error) {
	all := map[id.Customer]*person{}
	for part := range slices.Chunk(ids, 200) {
		in, args := origins(part, 1)
		some, err := readPersonsWhere(ctx, q, `customer_id in (`+in+`)`, args...)
		if err != nil {
			return nil, err
		}
		for c, p := range some {
			all[c] = p
		}
	}
	return all, nil
}

// readPersonsWhere reads four tables once each instead of four rows a person.
func readPersonsWhere(ctx context.Context, q store.Querier, where string, args ...any) (map[id.Customer]*person, error) {
	found := map[id.Customer]*person{}
	each := func(query string, scan func(rows *sql.Rows) error) error {
		rows, err := q.Query(ctx, query, args...)
		if err != nil {
			return fmt.Errorf("read customers to compare: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	}
	err := each(`select customer_id, name from customers where merged_into is null and erased_at is null and `+where, func(rows *sql.Rows) error {
		p := &person{}
		var name string
		err := rows.Scan(&p.id, &name)
		p.name = folded(name)
		found[p.id] = p
		return err
	})
	if err != nil {
		return nil, err
	}
	// One row of a table beside, for the person it is of.
	beside := func(query string, take func(p *person, a, b string, year int64)) error {
		return each(query+` where `+where, func(rows *sql.Rows) error {
			var c id.Customer
			var a, b string
			var year sql.NullInt64
			if err := rows.Scan(&c, &a, &b, &year); err != nil {
				return err
			}
			if p := found[c]; p != nil {
				take(p, a, b, year.Int64)
			}
			return nil
		})
	}
	if err := beside(`select customer_id, kind, value, cast(null as bigint) from customer_identities`, func(p *person, kind, value string, _ int64) {
		switch kind {
		case Email:
			p.emails = append(p.emails, canonicalEmail(value))
		case Phone:
			if d := digits(value); len(d) >= 7 {
				p.phones = append(p.phones, d[max(0, len(d)-9):])
			}
		}
	}); err != nil {
		return nil, err
	}
	if err := beside(`select customer_id, kind, month_day, year from customer_dates`, func(p *person, kind, day string, year int64) {
		if kind == "birthday" {
			p.birthday, p.year = day, year
		}
	}); err != nil {
		return nil, err
	}
	return found, beside(`select customer_id, city, postcode, cast(null as bigint) from customer_addresses`, func(p *person, city, postcode string, _ int64) {
		if city = folded(city); city != "" {
			p.cities = append(p.cities, city)
		}
		if postcode = strings.ReplaceAll(folded(postcode), " ", ""); postcode != "" {
			p.postcodes = append(p.postcodes, postcode)
		}
	})
}
