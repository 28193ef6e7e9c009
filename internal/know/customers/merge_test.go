package customers_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// counters is a table that only tests have: none of the modules adds up yet.
var counters = customers.Table{Name: "test_counters", Merge: customers.Sum, Key: []string{"name"}, Sums: []string{"n"}, Erase: customers.Empty}

func withCounters(t *testing.T, db *store.DB) []customers.Table {
	testkit.Do(t, db, func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), `create table test_counters (customer_id bigint not null, name text not null, n bigint not null, primary key (customer_id, name))`)
		return err
	})
	return append(slices.Clone(customers.Tables), counters)
}

// dump is every row of every table, as text that can be compared. What merges
// write about themselves, and counts of changes, are left out.
func dump(t *testing.T, db *store.DB, tables []customers.Table) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, table := range tables {
		if strings.HasPrefix(table.Name, "customer_merge") {
			continue
		}
		rows, err := db.Query(t.Context(), `select * from `+table.Name)
		if err != nil {
			t.Fatal(err)
		}
		columns, _ := rows.Columns()
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			cells := map[string]string{}
			for i, c := range columns {
				if b, ok := values[i].([]byte); ok {
					values[i] = string(b)
				}
				if c != "version" && c != "changed_at" {
					cells[c] = fmt.Sprint(values[i])
				}
			}
			if table.Name == "events" && strings.HasPrefix(cells["kind"], "customer.") && strings.HasSuffix(cells["kind"], "merged") {
				continue
			}
			text, _ := json.Marshal(cells)
			all[table.Name] = append(all[table.Name], string(text))
		}
		rows.Close()
		slices.Sort(all[table.Name])
	}
	return all
}

func same(t *testing.T, what string, before, after map[string][]string) {
	t.Helper()
	for _, table := range slices.Sorted(maps.Keys(before)) {
		if slices.Equal(before[table], after[table]) {
			continue
		}
		for _, r := range before[table] {
			if !slices.Contains(after[table], r) {
				t.Errorf("%s: %s lost  %s", what, table, r)
			}
		}
		for _, r := range after[table] {
			if !slices.Contains(before[table], r) {
				t.Errorf("%s: %s has   %s", what, table, r)
			}
		}
	}
	for table := range after {
		if before[table] == nil {
			t.Errorf("%s: %s has rows", what, table)
		}
	}
}

// scribble does something random to a customer, and says what.
func scribble(t *testing.T, tx *store.Tx, r *rand.Rand, c id.Customer) error {
	ctx := t.Context()
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	switch r.IntN(11) {
	case 0:
		return customers.Note(ctx, tx, c, staff, pick("likes tea", "called twice"))
	case 1:
		return customers.Tag(ctx, tx, c, staff, pick("VIP", "tea", "Praha"))
	case 2:
		return customers.Untag(ctx, tx, c, staff, pick("VIP", "tea"))
	case 3:
		return customers.Like(ctx, tx, c, staff, customers.Taste{Kind: pick("music", "food"), Label: pick("Jazz", "tea")})
	case 4:
		return customers.SetDate(ctx, tx, c, staff, customers.Date{Kind: pick("birthday", "name_day"), MonthDay: pick("02-29", "05-17"), Year: r.IntN(2) * 1984})
	case 5:
		return customers.Decide(ctx, tx, c, staff, customers.Consent{Channel: pick("email", "sms"), Given: r.IntN(2) == 0, Words: "Yes", Place: "till", At: tx.Now.Add(-time.Duration(r.IntN(1000)) * time.Hour)})
	case 6:
		return customers.Claim(ctx, tx, c, staff, email(fmt.Sprintf("p%d@example.com", r.Int64())))
	case 7:
		return customers.WriteAddress(ctx, tx, c, staff, customers.Address{Street: "Long Street 1", City: pick("Praha", "Brno")})
	case 8:
		return customers.LogCall(ctx, tx, c, staff, customers.Call{Direction: "in", Outcome: "reached", Body: "asked"})
	case 9:
		return customers.Change(ctx, tx, c, staff, customers.Edit{Name: pick("", "Ana", "Boris"), Country: pick("", "CZ", "KR")})
	}
	_, err := tx.Exec(ctx, `insert into test_counters (customer_id, name, n) values ($1, $2, $3) on conflict (customer_id, name) do update set n = test_counters.n + excluded.n`,
		int64(c), pick("visits", "points"), int64(r.IntN(5)))
	return err
}

func TestUndoingAMergeGivesBackEveryRowAsItWas(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		tables := withCounters(t, db)
		for seed := range uint64(12) {
			r := rand.New(rand.NewPCG(seed, 1))
			var cs []id.Customer
			for range 5 {
				p := customers.Profile{Name: []string{"", "Ana", "Boris Novák"}[r.IntN(3)], JoinedDay: fmt.Sprintf("20%02d-01-02", 10+r.IntN(14)),
					Identities: []customers.Identity{{Kind: "external", Value: fmt.Sprintf("s:%d", r.Int64())}}}
				if r.IntN(2) == 0 {
					p.Tags = []string{"vip"}
				}
				cs = append(cs, create(t, db, p))
			}
			for range 60 {
				testkit.Do(t, db, func(tx *store.Tx) error { return scribble(t, tx, r, cs[r.IntN(len(cs))]) })
				clock.Advance(time.Minute)
			}
			// A tree of merges: each into one that still lives.
			before := dump(t, db, tables)
			type step struct {
				to    id.Customer
				merge int64
			}
			var steps []step
			live := slices.Clone(cs)
			for len(live) > 1 {
				r.Shuffle(len(live), func(i, j int) { live[i], live[j] = live[j], live[i] })
				to, from := live[0], live[len(live)-1]
				live = live[:len(live)-1]
				testkit.Do(t, db, func(tx *store.Tx) error {
					merge, err := customers.MergeInto(t.Context(), tx, tables, to, from, staff)
					steps = append(steps, step{to, merge})
					return err
				})
				clock.Advance(time.Minute)
			}
			nothingLost(t, before, dump(t, db, tables))
			// Undone in any order that is allowed: one that is in the way of
			// another is refused, and tried again later.
			for len(steps) > 0 {
				i := r.IntN(len(steps))
				err := db.Tx(t.Context(), func(tx *store.Tx) error {
					_, err := customers.UndoMerge(t.Context(), tx, tables, steps[i].to, steps[i].merge, staff)
					return err
				})
				if errs.Is(err, errs.Conflict) || errs.Is(err, errs.NotFound) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				steps = slices.Delete(steps, i, i+1)
			}
			same(t, fmt.Sprintf("seed %d", seed), before, dump(t, db, tables))
			var aside int
			if err := db.QueryRow(t.Context(), `select count(*) from customer_merged_rows`).Scan(&aside); err != nil || aside != 0 {
				t.Errorf("%d rows are still put aside, %v", aside, err)
			}
			if t.Failed() {
				return
			}
		}
	})
}

// nothingLost compares the rows of facts regardless of whose they are.
func nothingLost(t *testing.T, before, after map[string][]string) {
	t.Helper()
	strip := func(rows []string) []string {
		var all []string
		for _, r := range rows {
			var cells map[string]string
			_ = json.Unmarshal([]byte(r), &cells)
			if o := cells["origin_customer_id"]; o != "" && o != "<nil>" {
				cells["customer_id"] = o
			}
			delete(cells, "origin_customer_id")
			b, _ := json.Marshal(cells)
			all = append(all, string(b))
		}
		slices.Sort(all)
		return all
	}
	for _, table := range []string{"events", "customer_notes", "customer_calls", "customer_identities", "customer_keys", "customer_addresses", "customer_consent_log"} {
		if !slices.Equal(strip(before[table]), strip(after[table])) {
			t.Errorf("%s: a merge lost or changed rows", table)
		}
	}
}

func TestAMergeThatMakesNoSenseIsRefused(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		a, b, c := create(t, db, customers.Profile{Name: "A"}), create(t, db, customers.Profile{Name: "B"}), create(t, db, customers.Profile{Name: "C"})
		merge := func(to, from id.Customer) (m int64, err error) {
			err = db.Tx(t.Context(), func(tx *store.Tx) (err error) {
				m, err = customers.MergeInto(t.Context(), tx, customers.Tables, to, from, staff)
				return err
			})
			return m, err
		}
		undo := func(c id.Customer, m int64) error {
			return db.Tx(t.Context(), func(tx *store.Tx) error {
				_, err := customers.UndoMerge(t.Context(), tx, customers.Tables, c, m, staff)
				return err
			})
		}
		if _, err := merge(a, a); !errs.Is(err, errs.Invalid) {
			t.Errorf("with themselves: %v", err)
		}
		if _, err := merge(a, 99); !errs.Is(err, errs.NotFound) {
			t.Errorf("with nobody: %v", err)
		}
		ab, err := merge(b, a)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := merge(a, b); !errs.Is(err, errs.Conflict) {
			t.Errorf("in a circle: %v", err)
		}
		if _, err := merge(c, a); !errs.Is(err, errs.Conflict) {
			t.Errorf("twice: %v", err)
		}
		if _, err := merge(c, b); err != nil {
			t.Fatal(err)
		}
		if got, err := customers.Resolve(t.Context(), db, a); err != nil || got != c {
			t.Errorf("a lives on as %v, %v", got, err)
		}
		if err := undo(c, ab); !errs.Is(err, errs.Conflict) {
			t.Errorf("beneath a later merge: %v", err)
		}
		if err := undo(c, 12345); !errs.Is(err, errs.NotFound) {
			t.Errorf("no merge: %v", err)
		}
		err = db.Tx(t.Context(), func(tx *store.Tx) error { return customers.Note(t.Context(), tx, a, staff, "x") })
		if !errs.Is(err, errs.Conflict) {
			t.Errorf("a note on a tombstone: %v", err)
		}
	})
}

func TestASurvivorHasEverythingOfBothAndKeepsTheirOwn(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		a := create(t, db, customers.Profile{Name: "Ana", JoinedDay: "2024-05-01", Tags: []string{"VIP"}, Identities: []customers.Identity{email("ana@example.com")}})
		b := create(t, db, customers.Profile{Name: "Anna N.", Country: "CZ", JoinedDay: "2020-02-01", Tags: []string{"vip", "tea"},
			Identities: []customers.Identity{email("anna@work.example"), {Kind: "phone", Value: "+420601123456"}},
			Consents:   []customers.Consent{{Channel: "email", Given: true, Place: "till", Words: "News, please"}}})
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := customers.MergeInto(t.Context(), tx, customers.Tables, a, b, staff)
			return err
		})
		who, err := customers.ByID(t.Context(), db, a)
		if err != nil || who.Name != "Ana" || who.Country != "CZ" || who.Email != "ana@example.com" || who.Phone != "+420601123456" || who.JoinedDay != "2020-02-01" {
			t.Errorf("%+v, %v", who, err)
		}
		tags, _ := customers.Tags(t.Context(), db, a)
		if !slices.Equal(tags, []string{"tea", "VIP"}) {
			t.Errorf("tags %v", tags)
		}
		if yes, err := customers.Allows(t.Context(), db, a, "email"); !yes || err != nil {
			t.Errorf("the consent did not come along: %v", err)
		}
		for _, q := range []string{"anna@work", "601123"} {
			if got, _ := customers.Search(t.Context(), db, q, 5); len(got) != 1 || got[0].ID != a {
				t.Errorf("search %q: %v", q, got)
			}
		}
		if got, _, _ := customers.Find(t.Context(), db, email("anna@work.example")); got != a {
			t.Errorf("the email leads to %v", got)
		}
	})
}
