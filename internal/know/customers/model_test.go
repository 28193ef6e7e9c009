package customers_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// model counts what was written, whoever it is of by now.
type model struct {
	t      *testing.T
	db     *store.DB
	r      *rand.Rand
	cs     []id.Customer
	merges [][2]int64 // survivor and merge, as they were made
	wrote  map[string]int
}

func (m *model) any() id.Customer { return m.cs[m.r.IntN(len(m.cs))] }

// step does one random thing; what is refused sensibly changes nothing.
func (m *model) step() {
	table := ""
	err := m.db.Tx(m.t.Context(), func(tx *store.Tx) error {
		ctx := m.t.Context()
		switch m.r.IntN(9) {
		case 0:
			c, err := customers.Create(ctx, tx, customers.Profile{Name: "New", Identities: []customers.Identity{email(fmt.Sprintf("n%d@example.com", m.r.Int64()))}})
			m.cs, table = append(m.cs, c), "customer_identities"
			return err
		case 1:
			table = "customer_identities"
			return customers.Claim(ctx, tx, m.any(), staff, email(fmt.Sprintf("n%d@example.com", m.r.Int64())))
		case 2:
			table = "customer_notes"
			return customers.Note(ctx, tx, m.any(), staff, "note")
		case 3:
			table = "customer_consent_log"
			return customers.Decide(ctx, tx, m.any(), staff, customers.Consent{Channel: "email", Given: m.r.IntN(2) == 0, Words: "Yes", Place: "till", At: tx.Now.Add(-hours(m.r.IntN(100)))})
		case 4:
			return customers.Tag(ctx, tx, m.any(), staff, "vip")
		case 5:
			return customers.LookForDuplicates(ctx, tx)
		case 6, 7:
			to := m.any()
			merge, err := customers.MergeInto(ctx, tx, customers.Tables, to, m.any(), staff)
			if err == nil {
				m.merges = append(m.merges, [2]int64{int64(to), merge})
			}
			return err
		}
		if len(m.merges) == 0 {
			return nil
		}
		pick := m.merges[m.r.IntN(len(m.merges))]
		_, err := customers.UndoMerge(ctx, tx, customers.Tables, id.Customer(pick[0]), pick[1], staff)
		return err
	})
	switch {
	case err == nil && table != "":
		m.wrote[table]++
	case err != nil && !errs.Is(err, errs.Conflict) && !errs.Is(err, errs.NotFound) && !errs.Is(err, errs.Invalid):
		m.t.Fatal(err)
	}
}

// holds checks what must be true after any history.
func (m *model) holds() {
	for table, want := range m.wrote {
		var got int
		if err := m.db.QueryRow(m.t.Context(), `select count(*) from `+table).Scan(&got); err != nil || got != want {
			m.t.Errorf("%s has %d rows, %d were written, %v", table, got, want, err)
		}
	}
	for what, query := range map[string]string{
		"a tombstone has rows": `select count(*) from customers c where c.merged_into is not null and (
			exists (select 1 from customer_notes n where n.customer_id = c.customer_id) or
			exists (select 1 from customer_identities n where n.customer_id = c.customer_id) or
			exists (select 1 from customer_terms n where n.customer_id = c.customer_id) or
			exists (select 1 from customer_consents n where n.customer_id = c.customer_id) or
			exists (select 1 from events n where n.customer_id = c.customer_id))`,
		"a key leads past its identity": `select count(*) from customer_keys
			where key || ' ' || cast(customer_id as text) not in (select kind || ':' || value || ' ' || cast(customer_id as text) from customer_identities)`,
		"an identity has no key": `select count(*) from customer_identities i
			where i.kind || ':' || i.value not in (select key from customer_keys)`,
		"a consent is not the latest decision": `select count(*) from customer_consents s where exists (
			select 1 from customer_consent_log l where l.customer_id = s.customer_id and l.channel = s.channel and l.decided_at > s.decided_at)`,
		"a main email is not theirs": `select count(*) from customers c where c.merged_into is null and c.email <> '' and not exists (
			select 1 from customer_identities i where i.customer_id = c.customer_id and i.kind = 'email' and i.value = c.email)`,
		"a living customer with an email has no main one": `select count(*) from customers c where c.merged_into is null and c.email = '' and exists (
			select 1 from customer_identities i where i.customer_id = c.customer_id and i.kind = 'email')`,
		"an origin is no tombstone beneath": `select count(*) from customer_notes n where n.origin_customer_id in (
			select customer_id from customers where merged_into is null)`,
	} {
		var n int
		if err := m.db.QueryRow(m.t.Context(), query).Scan(&n); err != nil || n != 0 {
			m.t.Errorf("%s: %d times, %v", what, n, err)
		}
	}
}

func TestWhateverIsWrittenMergedAndUndoneNothingIsLost(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		for seed := range uint64(3) {
			m := &model{t: t, db: db, r: rand.New(rand.NewPCG(seed, 7)), wrote: map[string]int{}}
			for range 4 {
				m.cs = append(m.cs, create(t, db, customers.Profile{Name: "Start", Dates: []customers.Date{{Kind: "birthday", MonthDay: "05-17"}}}))
			}
			for table := range map[string]bool{"customer_identities": true, "customer_notes": true, "customer_consent_log": true} {
				var n int
				if err := db.QueryRow(t.Context(), `select count(*) from `+table).Scan(&n); err != nil {
					t.Fatal(err)
				}
				m.wrote[table] = n // of the seeds before
			}
			for range 150 {
				m.step()
				clock.Advance(time.Minute)
			}
			if err := customers.FindDuplicates(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			m.holds()
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	})
}
