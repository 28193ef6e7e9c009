package customers

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

const duplicatesJob = "customers.duplicates"

// Jobs returns this module's background work.
func Jobs(db *store.DB) []jobs.Kind {
	return []jobs.Kind{{
		Name: duplicatesJob,
		Do:   func(ctx context.Context, _ *jobs.Job) error { return FindDuplicates(ctx, db) },
		Next: func(after time.Time) time.Time { // nightly
			next := after.UTC().Truncate(24 * time.Hour).Add(2*time.Hour + 40*time.Minute)
			if !next.After(after) {
				next = next.Add(24 * time.Hour)
			}
			return next
		},
	}}
}

// LookForDuplicates asks for the search now instead of tonight.
func LookForDuplicates(ctx context.Context, tx *store.Tx) error {
	return jobs.Enqueue(ctx, tx, jobs.New{Kind: duplicatesJob, Key: duplicatesJob})
}

// Pair is two customers that look like one person.
type Pair struct {
	A, B    id.Customer // A is the older
	Score   float64     // 0 to 1
	Reasons []string    // what agrees: phone, email, name, birthday…
}

// Duplicates returns pairs that nobody has decided on, the surest first.
func Duplicates(ctx context.Context, q store.Querier, limit int) ([]Pair, error) {
	return DuplicatesAfter(ctx, q, PairCursor{Score: 2}, limit)
}

// PairCursor names the last pair of a page. A Score above 1: none came before.
type PairCursor struct {
	Score float64     `json:"s"`
	A     id.Customer `json:"a"`
	B     id.Customer `json:"b"`
}

// DuplicatesAfter is Duplicates from behind a pair on.
func DuplicatesAfter(ctx context.Context, q store.Querier, after PairCursor, limit int) ([]Pair, error) {
	return store.All(ctx, q, func(rows *sql.Rows) (p Pair, err error) {
		var reasons string
		err = rows.Scan(&p.A, &p.B, &p.Score, &reasons)
		p.Reasons = strings.Split(reasons, ",")
		return p, err
	}, `
		select customer_id, other_id, score, reasons from customer_duplicates
		where dismissed_at is null and (score < $1 or score = $1 and (customer_id < $2 or customer_id = $2 and other_id < $3))
		order by score desc, customer_id desc, other_id desc limit $4`, after.Score, int64(after.A), int64(after.B), limit)
}

// Dismiss says that two customers are two people; the pair is not suggested
// again.
func Dismiss(ctx context.Context, tx *store.Tx, a, b id.Customer, by By) error {
	n, err := tx.Exec(ctx, `
		update customer_duplicates set dismissed_at = $3, dismissed_by = $4 where customer_id = $1 and other_id = $2`,
		int64(min(a, b)), int64(max(a, b)), tx.Now.UnixMicro(), int64(by.Actor))
	if err == nil && n == 0 {
		return errs.Missing("customers.wrong.no-pair")
	}
	return err
}

// told is the reason of pairs that one account names as one person: by the
// email of the one and the number of the other, say.
const told, toldScore = "told", 0.9

// mostTold is with how many others at once somebody is offered: the phone that
// a shop writes for everybody who gave none tells nothing.
const mostTold = 5

// Offer writes down that two customers are told to be one person, so that
// somebody decides. A pair that was dismissed stays so.
func Offer(ctx context.Context, tx *store.Tx, one, other id.Customer) error {
	return suggest(ctx, tx, []maker{{Profile: &Profile{}, id: one, also: []id.Customer{other}}})
}

// suggest writes down the pairs that profiles name as one person, so that
// somebody decides. One that was dismissed stays so.
func suggest(ctx context.Context, tx *store.Tx, made []maker) error {
	with := map[id.Customer]map[id.Customer]id.Import{}
	for _, m := range made {
		for _, c := range m.also {
			if !m.blank && c != m.id {
				if with[c] == nil {
					with[c] = map[id.Customer]id.Import{}
				}
				with[c][m.id] = m.Import
			}
		}
	}
	pairs := map[[2]id.Customer]id.Import{}
	for c, others := range with {
		for o, i := range others {
			if len(others) <= mostTold {
				pairs[[2]id.Customer{min(o, c), max(o, c)}] = i
			}
		}
	}
	b := tx.Bulk(ctx, "customer_duplicates", "customer_id, other_id, score, reasons, found_at, dismissed_at, dismissed_by, import_id", `
		on conflict (customer_id, other_id) do update set score = excluded.score, reasons = excluded.reasons, found_at = excluded.found_at,
			import_id = excluded.import_id
		where customer_duplicates.dismissed_at is null and customer_duplicates.reasons <> 'told'`)
	for _, p := range slices.SortedFunc(maps.Keys(pairs), func(x, y [2]id.Customer) int {
		return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1]))
	}) {
		if err := b.Add(int64(p[0]), int64(p[1]), toldScore, told, tx.Now.UnixMicro(), nil, int64(0), null(int64(pairs[p]))); err != nil {
			return err
		}
	}
	if err := b.Close(); err != nil {
		return fmt.Errorf("suggest %d pairs: %w", len(pairs), err)
	}
	return nil
}

const (
	scanSlice = 2_000   // customers read at once
	maxGroup  = 30      // more customers with the same trait: it tells nothing
	maxPairs  = 200_000 // looked at in one search
	threshold = 0.5     // from which score a pair is suggested
)

// FindDuplicates compares all living customers and writes down which pairs
// look like one person. Only customers that share a trait (a phone in another
// form, an email, a name in the same town…) are compared. Pairs that were
// dismissed stay so.
func FindDuplicates(ctx context.Context, db *store.DB) error {
	began := db.Now()
	var traits []trait
	for after := id.Customer(0); ; {
		slice, err := readTraits(ctx, db, after, scanSlice)
		if err != nil {
			return err
		}
		if len(slice) == 0 {
			break
		}
		for _, s := range slice {
			traits = append(traits, s.traits()...)
		}
		after = slice[len(slice)-1].id
	}
	pairs := candidates(traits)
	var found []Pair
	for part := range slices.Chunk(pairs, 500) {
		some, err := comparePairs(ctx, db, part)
		if err != nil {
			return err
		}
		found = append(found, some...)
	}
	return writePairs(ctx, db, found, began)
}

// trait is the hash of something two customers may share.
type trait struct {
	hash uint64
	c    id.Customer
}

// candidates are the pairs that share a trait which few have.
func candidates(traits []trait) [][2]id.Customer {
	slices.SortFunc(traits, func(a, b trait) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.c, b.c)) })
	traits = slices.Compact(traits)
	seen := map[[2]id.Customer]bool{}
	for from := 0; from < len(traits); {
		to := from + 1
		for to < len(traits) && traits[to].hash == traits[from].hash {
			to++
		}
		if to-from <= maxGroup {
			for i := from; i < to; i++ {
				for j := i + 1; j < to && len(seen) < maxPairs; j++ {
					seen[[2]id.Customer{traits[i].c, traits[j].c}] = true
				}
			}
		}
		from = to
	}
	pairs := make([][2]id.Customer, 0, len(seen))
	for p := range seen {
		pairs = append(pairs, p)
	}
	slices.SortFunc(pairs, func(a, b [2]id.Customer) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	return pairs
}

func comparePairs(ctx context.Context, q store.Querier, pairs [][2]id.Customer) ([]Pair, error) {
	var ids []id.Customer
	for _, p := range pairs {
		ids = append(ids, p[0], p[1])
	}
	slices.Sort(ids)
	who, err := readPersons(ctx, q, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	var found []Pair
	for _, p := range pairs {
		a, b := who[p[0]], who[p[1]]
		if a == nil || b == nil { // merged meanwhile
			continue
		}
		if score, reasons := a.like(b); score >= threshold {
			found = append(found, Pair{p[0], p[1], score, reasons})
		}
	}
	return found, nil
}

// writePairs stores what a search found and forgets what it did not find any
// more, in slices: people are at work meanwhile.
func writePairs(ctx context.Context, db *store.DB, found []Pair, began time.Time) error {
	for part := range slices.Chunk(found, 500) {
		err := db.Tx(ctx, func(tx *store.Tx) error {
			b := tx.Bulk(ctx, "customer_duplicates", "customer_id, other_id, score, reasons, found_at, dismissed_at, dismissed_by", `
				on conflict (customer_id, other_id) do update set score = excluded.score, reasons = excluded.reasons, found_at = excluded.found_at
				where customer_duplicates.reasons <> 'told'`)
			for _, p := range part {
				if err := b.Add(int64(p.A), int64(p.B), p.Score, strings.Join(p.Reasons, ","), began.UnixMicro(), nil, int64(0)); err != nil {
					return err
				}
			}
			return b.Close()
		})
		if err != nil {
			return fmt.Errorf("write down %d pairs that look alike: %w", len(part), err)
		}
	}
	for {
		var n int64
		err := db.Tx(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.Exec(ctx, `
				delete from customer_duplicates where (customer_id, other_id) in (
					select customer_id, other_id from customer_duplicates
					where dismissed_at is null and found_at < $1 and (reasons <> 'told'
						or customer_id in (select customer_id from customers where merged_into is not null)
						or other_id in (select customer_id from customers where merged_into is not null)) limit 1000)`, began.UnixMicro())
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

func hash(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		_, _ = h.Write([]byte(p))
		_, _ = h.Write([]byte{0})
	}
	return h.Sum64()
}

// folded makes words comparable whatever their order: Novák Jan, Jan Novak.
func folded(s string) string {
	words := text.Words(s)
	slices.Sort(words)
	return strings.Join(words, " ")
}
