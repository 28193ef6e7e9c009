package customers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

const (
	maxTerm  = 60 // characters
	maxTerms = 80 // of one customer
)

// terms are the words by whose beginning a customer is found: those of the
// name, of emails and ids, and phones from their first and last digits.
func terms(c Customer, known []Known) []string {
	var all []string
	add := func(words ...string) {
		for _, w := range words {
			if w != "" {
				all = append(all, cut(w))
			}
		}
	}
	for _, name := range []string{c.Name, c.Given, c.Family} {
		for _, w := range text.Words(name) {
			add(w)
			add(tails(w)...)
		}
	}
	for _, k := range known {
		switch k.Kind {
		case Email:
			local, _, _ := strings.Cut(k.Value, "@")
			add(text.Fold(k.Value))
			add(text.Words(local)...)
		case Phone:
			d := digits(k.Value)
			add(d)
			for _, last := range []int{9, 6, 4} { // without the country's code; as people remember them
				if len(d) > last {
					add(d[len(d)-last:])
				}
			}
		default:
			add(text.Fold(k.label()))
			add(text.Words(k.label())...)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), maxTerms)]
}

// tails are the endings of a word in a script that puts family and given name
// together without a space: 민준 finds 김민준.
func tails(word string) []string {
	r := []rune(word)
	if len(r) < 2 || len(r) > 8 || !unicode.In(r[0], unicode.Hangul, unicode.Han, unicode.Hiragana, unicode.Katakana) {
		return nil
	}
	var all []string
	for i := 1; i < len(r); i++ {
		all = append(all, string(r[i:]))
	}
	return all
}

func cut(s string) string {
	if utf8.RuneCountInString(s) > maxTerm {
		return string([]rune(s)[:maxTerm])
	}
	return s
}

// wanted turns what was typed into the beginnings of terms, the longest first:
// it leaves the fewest to look through.
func wanted(query string) []string {
	query = text.Short(text.Line(query), 100)
	if strings.Contains(query, "@") {
		return []string{cut(text.Fold(strings.ReplaceAll(query, " ", "")))}
	}
	if d := digits(query); len(d) >= 3 && strings.Trim(query, "0123456789 +-()/.") == "" {
		// A number as it is dialled at home begins with a 0 that no code has.
		return []string{cut(strings.TrimLeft(d, "0"))}
	}
	var all []string
	for _, w := range text.Words(query) {
		all = append(all, cut(w))
	}
	slices.SortStableFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all[:min(len(all), 6)]
}

// past is the first text after all that begin with prefix.
func past(prefix string) string { return prefix + "\U0010FFFF" }

// Search finds living customers by what was typed of a name, an email, a
// phone, a card or an id, as it is typed; at most limit of them.
func Search(ctx context.Context, q store.Querier, query string, limit int) ([]Customer, error) {
	words, err := rarest(ctx, q, wanted(query))
	if err != nil {
		return nil, err
	}
	found, _, err := hits(ctx, q, words, 4*limit) // a customer may have several terms with one beginning
	found = found[:min(len(found), limit)]
	if err != nil || len(found) == 0 {
		return nil, err
	}
	all, err := ByIDs(ctx, q, found)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b Customer) int { return slices.Index(found, a.ID) - slices.Index(found, b.ID) })
	return all, nil
}

// searched returns who matches what was typed, the best first, as a list holds
// them, and whether there may be more.
func searched(ctx context.Context, q store.Querier, typed string) ([]id.Customer, bool, error) {
	words, err := rarest(ctx, q, wanted(typed))
	if err != nil {
		return nil, false, err
	}
	return hits(ctx, q, words, sought)
}

// hits returns the ids of customers whose terms begin with all prefixes, the
// best first: whose word is the word typed. It looks at so many terms, and says
// whether it stopped there.
func hits(ctx context.Context, q store.Querier, prefixes []string, most int) ([]id.Customer, bool, error) {
	if len(prefixes) == 0 || prefixes[0] == "" {
		return nil, false, nil
	}
	var s query
	s.add(`select t.customer_id from customer_terms t where t.term >= ? and t.term < ?`, prefixes[0], past(prefixes[0]))
	for _, p := range prefixes[1:] {
		s.add(` and exists (select 1 from customer_terms o where o.customer_id = t.customer_id and o.term >= ? and o.term < ?)`, p, past(p))
	}
	s.add(` order by t.term, t.customer_id limit ?`, most)
	all, err := store.All(ctx, q, store.Scalar[id.Customer], s.text.String(), s.args...)
	if err != nil {
		return nil, false, fmt.Errorf("search customers: %w", err)
	}
	var found []id.Customer
	for _, c := range all {
		if !slices.Contains(found, c) {
			found = append(found, c)
		}
	}
	return found, len(all) == most, nil
}

// settle brings what is derived of a customer's own rows up to date: the main
// email and phone, the name they are sorted by, and the terms.
func settle(ctx context.Context, tx *store.Tx, c id.Customer) error {
	who, err := ByID(ctx, tx, c)
	if err != nil {
		return err
	}
	known, err := Identities(ctx, tx, who)
	if err != nil {
		return err
	}
	who.Email, who.Phone = mainOf(known, Email, who.Email), mainOf(known, Phone, who.Phone)
	if _, err := tx.Exec(ctx, `
		update customers set email = $2, phone = $3, sort_name = $4, changed_at = $5 where customer_id = $1`,
		int64(c), who.Email, who.Phone, sortName(who.Name, known), tx.Now.UnixMicro()); err != nil {
		return fmt.Errorf("settle %s: %w", c, err)
	}
	return writeTermsOf(ctx, tx, who, known)
}

// writeTermsOf replaces a customer's terms. Who does not live has none.
func writeTermsOf(ctx context.Context, tx *store.Tx, who Customer, known []Known) error {
	if _, err := tx.Exec(ctx, `delete from customer_terms where customer_id = $1`, int64(who.ID)); err != nil {
		return fmt.Errorf("settle %s: %w", who.ID, err)
	}
	if who.MergedInto != 0 || !who.ErasedAt.IsZero() {
		return nil
	}
	b := tx.Bulk(ctx, "customer_terms", "customer_id, term", "")
	for _, t := range terms(who, known) {
		if err := b.Add(int64(who.ID), t); err != nil {
			return fmt.Errorf("settle %s: %w", who.ID, err)
		}
	}
	return b.Close()
}

// mainOf keeps the main identity of a kind while the customer has it, else
// takes the first.
func mainOf(known []Known, kind, was string) string {
	first := ""
	for _, k := range known {
		if k.Kind != kind {
			continue
		}
		if k.Value == was {
			return was
		}
		if first == "" {
			first = k.Value
		}
	}
	return first
}
