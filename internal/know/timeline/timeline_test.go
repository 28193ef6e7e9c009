package timeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// addCustomers makes bare rows: timeline knows nothing of who they are.
func addCustomers(t *testing.T, db *store.DB, ids ...id.Customer) {
	t.Helper()
	testkit.Do(t, db, func(tx *store.Tx) error {
		for _, c := range ids {
			if err := testkit.BareCustomer(t.Context(), tx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func record(t *testing.T, db *store.DB, events ...timeline.Event) {
	t.Helper()
	testkit.Do(t, db, func(tx *store.Tx) error { return timeline.Record(t.Context(), tx, events...) })
}

// listener is a subscription that remembers what it was told.
type listener struct {
	told []string
	fail map[string]bool
}

func (l *listener) subscription(name string, history bool, kinds ...string) timeline.Subscription {
	return timeline.Subscription{Name: name, Kinds: kinds, History: history,
		Handle: func(_ context.Context, _ *store.Tx, events []timeline.Event) error {
			for _, e := range events {
				if l.fail[e.Kind] {
					return errors.New("cannot")
				}
			}
			for _, e := range events {
				l.told = append(l.told, fmt.Sprintf("%s of %d", e.Kind, e.Customer))
			}
			return nil
		}}
}

func drain(t *testing.T, db *store.DB, subscriptions ...timeline.Subscription) error {
	t.Helper()
	return jobs.Drain(t.Context(), db, timeline.Jobs(db, subscriptions))
}

func TestAnEventIsToldToEverySubscriberThatWantsIt(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		addCustomers(t, db, 1, 2)
		record(t, db,
			timeline.Event{Customer: 1, Kind: "order.placed"},
			timeline.Event{Customer: 2, Kind: "order.placed", History: true},
			timeline.Event{Customer: 2, Kind: "note.added"})
		var plays, facts listener
		if err := drain(t, db, plays.subscription("plays", false), facts.subscription("facts", true, "order.placed")); err != nil {
			t.Fatal(err)
		}
		slices.Sort(plays.told)
		slices.Sort(facts.told)
		if want := []string{"note.added of 2", "order.placed of 1"}; !slices.Equal(plays.told, want) {
			t.Errorf("plays were told %q, want %q: history starts nothing", plays.told, want)
		}
		if want := []string{"order.placed of 1", "order.placed of 2"}; !slices.Equal(facts.told, want) {
			t.Errorf("facts were told %q, want %q", facts.told, want)
		}
	})
}

func TestWhatNobodyAsksForTodayIsNotDelivered(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		addCustomers(t, db, 1)
		var hooks listener
		asked := ""
		s := hooks.subscription("hooks", true)
		s.Today = func(context.Context, store.Querier) (func(string, bool) bool, error) {
			return func(kind string, history bool) bool { return kind == asked && !history }, nil
		}
		for _, asked = range []string{"", "note.added"} {
			record(t, db, timeline.Event{Customer: 1, Kind: "order.placed"}, timeline.Event{Customer: 1, Kind: "note.added"},
				timeline.Event{Customer: 1, Kind: "note.added", History: true})
			if err := drain(t, db, s); err != nil {
				t.Fatal(err)
			}
		}
		if fmt.Sprint(hooks.told) != "[note.added of 1]" {
			t.Errorf("told %v", hooks.told)
		}
	})
}

func TestHoweverManyEventsOneChangeLeavesAllAreTold(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		addCustomers(t, db, 1)
		const n = 1500
		events := make([]timeline.Event, n)
		for i := range events {
			events[i] = timeline.Event{Customer: 1, Kind: []string{"order.placed", "tracked." + strings.Repeat("a", 200)}[i%2]}
		}
		record(t, db, events...)
		var facts listener
		if err := drain(t, db, facts.subscription("facts", true)); err != nil {
			t.Fatal(err)
		}
		if len(facts.told) != n {
			t.Errorf("%d of %d events were told", len(facts.told), n)
		}
	})
}

// Programs before this one wrote jobs that name events by their keys alone.
func TestWaitingJobsOfAnOlderProgramAreTold(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		addCustomers(t, db, 1)
		record(t, db, timeline.Event{Customer: 1, Kind: "order.placed"})
		testkit.Do(t, db, func(tx *store.Tx) error {
			var c, at, event int64
			if err := tx.QueryRow(t.Context(), `select customer_id, occurred_at, id from events`).Scan(&c, &at, &event); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), `update jobs set args = $1 where kind = 'timeline.fanout'`,
				fmt.Sprintf(`{"events":[{"c":%q,"t":%d,"e":%d}]}`, id.Customer(c), at, event))
			return err
		})
		var facts listener
		if err := drain(t, db, facts.subscription("facts", true, "order.placed")); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(facts.told) != "[order.placed of 1]" {
			t.Errorf("told %v", facts.told)
		}
	})
}

func TestAChangeThatIsRolledBackTellsNobody(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		addCustomers(t, db, 1)
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			if err := timeline.Record(t.Context(), tx, timeline.Event{Customer: 1, Kind: "order.placed"}); err != nil {
				t.Fatal(err)
			}
			return errors.New("the card was refused")
		})
		if err == nil {
			t.Fatal("no error")
		}
		var l listener
		if err := drain(t, db, l.subscription("l", true)); err != nil || len(l.told) != 0 {
			t.Errorf("told %q, %v", l.told, err)
		}
	})
}

func TestOneBadEventDoesNotHoldUpTheOthers(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		addCustomers(t, db, 1)
		var events []timeline.Event
		for i := range 250 {
			kind := "order.placed"
			if i == 77 {
				kind = "order.poisoned"
			}
			events = append(events, timeline.Event{Customer: 1, Kind: kind})
		}
		record(t, db, events...)
		l := listener{fail: map[string]bool{"order.poisoned": true}}
		if err := drain(t, db, l.subscription("l", true)); err == nil {
			t.Error("the bad event was not reported")
		}
		if len(l.told) != 249 {
			t.Errorf("%d events were told, want 249", len(l.told))
		}
	})
}

func TestEventsOfAnImportWaitUntilItIsComplete(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		addCustomers(t, db, 1, 2)
		const imported = id.Import(5)
		var events []timeline.Event
		for i := range 4500 { // more than one step of the walk
			events = append(events, timeline.Event{Customer: id.Customer(1 + i%2), Kind: "order.placed", History: true, Import: imported,
				OccurredAt: testkit.Start.Add(-time.Duration(i) * time.Hour)})
		}
		record(t, db, events...)
		var l listener
		if err := drain(t, db, l.subscription("l", true)); err != nil || len(l.told) != 0 {
			t.Fatalf("%d were told before the import was complete, %v", len(l.told), err)
		}
		testkit.Do(t, db, func(tx *store.Tx) error { return timeline.Release(t.Context(), tx, imported) })
		if err := drain(t, db, l.subscription("l", true)); err != nil || len(l.told) != 4500 {
			t.Errorf("%d were told after it, %v; want 4500", len(l.told), err)
		}
	})
}

func TestAnEventThatMovedInAMergeIsStillTold(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		addCustomers(t, db, 1, 2, 3)
		record(t, db, timeline.Event{Customer: 1, Kind: "order.placed"}, timeline.Event{Customer: 3, Kind: "note.added"})
		testkit.Do(t, db, func(tx *store.Tx) error {
			for _, step := range []string{
				`update customers set merged_into = 2 where customer_id = 1`,
				`insert into events (customer_id, occurred_at, id, kind, version, history, source, ref_id, actor_id, import_id, payload, recorded_at, origin_customer_id)
				 select 2, occurred_at, id, kind, version, history, source, ref_id, actor_id, import_id, payload, recorded_at, 1 from events where customer_id = 1`,
				`delete from events where customer_id = 1`,
			} {
				if _, err := tx.Exec(t.Context(), step); err != nil {
					return err
				}
			}
			return nil
		})
		var l listener
		if err := drain(t, db, l.subscription("l", true)); err != nil {
			t.Fatal(err)
		}
		slices.Sort(l.told)
		if want := []string{"note.added of 3", "order.placed of 2"}; !slices.Equal(l.told, want) {
			t.Errorf("told %q, want %q", l.told, want)
		}
	})
}

func TestTheTimelineIsReadNewestFirstPageByPage(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		addCustomers(t, db, 1, 2)
		day := func(n int) time.Time { return testkit.Start.AddDate(0, 0, n) }
		record(t, db,
			timeline.Event{Customer: 1, Kind: "b", OccurredAt: day(2)}, timeline.Event{Customer: 1, Kind: "a", OccurredAt: day(1)},
			timeline.Event{Customer: 1, Kind: "c", OccurredAt: day(3)}, timeline.Event{Customer: 1, Kind: "d", OccurredAt: day(3)},
			timeline.Event{Customer: 2, Kind: "x", OccurredAt: day(2)})
		var seen []string
		var before timeline.Cursor
		for {
			page, err := timeline.List(t.Context(), db, 1, timeline.Filter{Before: before, Limit: 3})
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, e := range page {
				seen = append(seen, e.Kind)
			}
			before = timeline.Cursor{OccurredAt: page[len(page)-1].OccurredAt, ID: page[len(page)-1].ID}
		}
		if want := []string{"d", "c", "b", "a"}; !slices.Equal(seen, want) {
			t.Errorf("read %q, want %q", seen, want)
		}
		some, err := timeline.List(t.Context(), db, 1, timeline.Filter{Kinds: []string{"a", "c"}})
		if err != nil || len(some) != 2 {
			t.Errorf("%d of kinds a and c, %v", len(some), err)
		}
		counts, err := timeline.Counts(t.Context(), db, 1)
		if err != nil || counts["a"] != 1 || len(counts) != 4 {
			t.Errorf("counts %v, %v", counts, err)
		}
	})
}

func TestAnOldPayloadIsUpgradedBeforeAPersonReadsIt(t *testing.T) {
	kinds := timeline.NewKinds([]timeline.Kind{{Name: "order.placed", Version: 3,
		Upgrade: func(version int, payload json.RawMessage) (json.RawMessage, error) {
			return fmt.Appendf(nil, `%s+%d`, payload, version), nil
		}}})
	e, err := kinds["order.placed"].Latest(timeline.Event{Kind: "order.placed", Version: 1, Payload: []byte("p")})
	if err != nil || string(e.Payload) != "p+1+2" || e.Version != 3 {
		t.Errorf("got %s, version %d, %v", e.Payload, e.Version, err)
	}
	if _, err := kinds["order.placed"].Latest(timeline.Event{Version: 4}); err == nil {
		t.Error("a payload of a newer program was read")
	}
}
