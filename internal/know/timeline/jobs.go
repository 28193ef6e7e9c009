package timeline

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
)

// Subscription is a module's reaction to events. It is told of each event at
// least once, possibly late or again, so what it does is idempotent by a
// unique key of its own.
type Subscription struct {
	Name    string   // "facts": unique, and never renamed: waiting jobs carry it
	Kinds   []string // nil: every kind
	History bool     // also told of history events
	// Today narrows Kinds by what the subscriber has been asked for, such as the
	// endpoints there are now; nil: it does not. What nobody asks for is not read.
	Today  func(ctx context.Context, q store.Querier) (wants func(kind string, history bool) bool, err error)
	Handle func(ctx context.Context, tx *store.Tx, events []Event) error
}

func (s Subscription) wants(r ref) bool {
	return (s.History || !r.History) && (s.Kinds == nil || slices.Contains(s.Kinds, r.Kind))
}

const (
	fanout  = "timeline.fanout"  // events → one delivery a subscription
	deliver = "timeline.deliver" // a slice of events to one subscription
	release = "timeline.release" // a complete import's events → fanouts
)

// sliceSize is how many events one delivery carries: few enough that its
// transaction stays under 50 ms on SQLite.
const sliceSize = 100

// A fan-out carries as many events as fit well into a job, since it reads none
// of them: refBytes is what one takes without its kind.
const (
	fanoutBytes = 40 << 10
	refBytes    = 95
)

// ref names an event in a job: its whole key, and what decides who wants it.
type ref struct {
	Customer id.Customer `json:"c"`
	At       int64       `json:"t"`
	ID       int64       `json:"e"`
	Kind     string      `json:"k,omitempty"` // empty in jobs of older programs
	History  bool        `json:"h,omitempty"`
}

func (e Event) ref() ref {
	return ref{e.Customer, e.OccurredAt.UnixMicro(), int64(e.ID), e.Kind, e.History}
}

type tellArgs struct {
	Subscription string `json:"s,omitempty"`
	Events       []ref  `json:"events"`
}

// Release lets an import's events be told, now that it is complete.
func Release(ctx context.Context, tx *store.Tx, i id.Import) error {
	return jobs.Enqueue(ctx, tx, jobs.New{Kind: release, Args: releaseArgs{Import: i}, Key: i.String()})
}

// releaseArgs says which import, and after which event to go on.
type releaseArgs struct {
	Import id.Import `json:"import"`
	After  ref       `json:"after"`
}

// Jobs returns the timeline's work for the given subscriptions.
func Jobs(db *store.DB, subscriptions []Subscription) []jobs.Kind {
	t := teller{db, subscriptions}
	return []jobs.Kind{
		{Name: fanout, Do: t.fanout},
		{Name: deliver, Do: t.deliver},
		{Name: release, Do: t.release},
	}
}

type teller struct {
	db            *store.DB
	subscriptions []Subscription
}

// fanout gives each subscription the events that it wants, in a job of its
// own: a subscriber that fails holds up nobody else.
func (t teller) fanout(ctx context.Context, job *jobs.Job) error {
	var args tellArgs
	if err := job.Args(&args); err != nil {
		return jobs.Permanent(err)
	}
	refs, err := complete(ctx, t.db, args.Events)
	if err != nil {
		return err
	}
	return t.db.Tx(ctx, func(tx *store.Tx) error {
		if err := t.enqueueDeliveries(ctx, tx, refs); err != nil {
			return err
		}
		return job.Done(ctx, tx)
	})
}

// complete reads what jobs of older programs leave out of refs.
func complete(ctx context.Context, q store.Querier, refs []ref) ([]ref, error) {
	if !slices.ContainsFunc(refs, func(r ref) bool { return r.Kind == "" }) {
		return refs, nil
	}
	events, err := load(ctx, q, refs)
	if err != nil {
		return nil, err
	}
	return refsOf(events), nil
}

func refsOf(events []Event) []ref {
	refs := make([]ref, len(events))
	for i, e := range events {
		refs[i] = e.ref()
	}
	return refs
}

// enqueueDeliveries enqueues what each subscription wants of the events, in
// slices.
func (t teller) enqueueDeliveries(ctx context.Context, tx *store.Tx, refs []ref) error {
	var todo []jobs.New
	for _, s := range t.subscriptions {
		wanted := slices.DeleteFunc(slices.Clone(refs), func(r ref) bool { return !s.wants(r) })
		if len(wanted) > 0 && s.Today != nil {
			wants, err := s.Today(ctx, tx)
			if err != nil {
				return fmt.Errorf("ask what %s wants: %w", s.Name, err)
			}
			wanted = slices.DeleteFunc(wanted, func(r ref) bool { return !wants(r.Kind, r.History) })
		}
		for slice := range slices.Chunk(wanted, sliceSize) {
			todo = append(todo, jobs.New{Kind: deliver, Args: tellArgs{s.Name, slice}})
		}
	}
	if todo == nil {
		return nil
	}
	return jobs.Enqueue(ctx, tx, todo...)
}

// deliver hands a slice to its subscription in one transaction. A slice that
// fails is halved until the event at fault stands alone; that one is retried
// and, in the end, laid among the dead letters.
func (t teller) deliver(ctx context.Context, job *jobs.Job) error {
	var args tellArgs
	if err := job.Args(&args); err != nil {
		return jobs.Permanent(err)
	}
	i := slices.IndexFunc(t.subscriptions, func(s Subscription) bool { return s.Name == args.Subscription })
	if i < 0 {
		return jobs.Permanent(fmt.Errorf("no module subscribes as %q any more", args.Subscription))
	}
	events, err := load(ctx, t.db, args.Events)
	if err != nil {
		return err
	}
	failed := t.db.Tx(ctx, func(tx *store.Tx) error {
		if len(events) > 0 {
			if err := t.subscriptions[i].Handle(ctx, tx, events); err != nil {
				return err
			}
		}
		return job.Done(ctx, tx)
	})
	if failed == nil || len(args.Events) == 1 || ctx.Err() != nil {
		return failed
	}
	half := len(args.Events) / 2
	return t.db.Tx(ctx, func(tx *store.Tx) error {
		if err := jobs.Enqueue(ctx, tx,
			jobs.New{Kind: deliver, Args: tellArgs{args.Subscription, args.Events[:half]}},
			jobs.New{Kind: deliver, Args: tellArgs{args.Subscription, args.Events[half:]}}); err != nil {
			return err
		}
		return job.Done(ctx, tx)
	})
}

// releaseSlice is how many events of an import one step of release walks.
const releaseSlice = 20 * sliceSize

// release walks an import's events and goes on in a job of its own, so that
// a restart loses at most one step.
func (t teller) release(ctx context.Context, job *jobs.Job) error {
	var args releaseArgs
	if err := job.Args(&args); err != nil {
		return jobs.Permanent(err)
	}
	events, err := store.All(ctx, t.db, scan, `
		select `+columns+` from events
		where import_id = $1 and (customer_id, occurred_at, id) > ($2, $3, $4)
		order by customer_id, occurred_at, id limit $5`,
		int64(args.Import), int64(args.After.Customer), args.After.At, args.After.ID, releaseSlice)
	if err != nil {
		return err
	}
	return t.db.Tx(ctx, func(tx *store.Tx) error {
		if err := t.enqueueDeliveries(ctx, tx, refsOf(events)); err != nil {
			return err
		}
		if len(events) == releaseSlice {
			args.After = events[len(events)-1].ref()
			if err := jobs.Enqueue(ctx, tx, jobs.New{Kind: release, Args: args,
				Key: fmt.Sprintf("%s after %d", args.Import, args.After.ID)}); err != nil {
				return err
			}
		}
		return job.Done(ctx, tx)
	})
}

// load reads the events of refs. One that was erased or undone is left out;
// one that moved in a merge is found with the survivor.
func load(ctx context.Context, q store.Querier, refs []ref) ([]Event, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	first, last := refs[0].At, refs[0].At
	wanted := make(map[int64]id.Customer, len(refs))
	var customers []int64
	for _, r := range refs {
		first, last = min(first, r.At), max(last, r.At)
		wanted[r.ID] = r.Customer
		if !slices.Contains(customers, int64(r.Customer)) {
			customers = append(customers, int64(r.Customer))
		}
	}
	found, err := read(ctx, q, customers, first, last, wanted)
	if err != nil || len(wanted) == 0 {
		return found, err
	}
	moved, err := survivors(ctx, q, wanted)
	if err != nil || len(moved) == 0 {
		return found, err
	}
	more, err := read(ctx, q, moved, first, last, wanted)
	return append(found, more...), err
}

// read returns the wanted events of the customers and strikes them off.
func read(ctx context.Context, q store.Querier, customers []int64, first, last int64, wanted map[int64]id.Customer) ([]Event, error) {
	args := append(store.Args(customers), first, last)
	n := len(customers)
	all, err := store.All(ctx, q, scan, fmt.Sprintf(`
		select %s from events where customer_id in (%s) and occurred_at >= $%d and occurred_at <= $%d
		order by customer_id, occurred_at, id`, columns, store.List(1, n), n+1, n+2), args...)
	if err != nil {
		return nil, err
	}
	found := all[:0]
	for _, e := range all {
		if _, ok := wanted[int64(e.ID)]; ok {
			delete(wanted, int64(e.ID))
			found = append(found, e)
		}
	}
	return found, nil
}

// survivors follows merges from the customers whose events were not found.
func survivors(ctx context.Context, q store.Querier, missing map[int64]id.Customer) ([]int64, error) {
	seen := map[int64]bool{}
	var todo, found []int64
	for _, c := range missing {
		if !seen[int64(c)] {
			seen[int64(c)] = true
			todo = append(todo, int64(c))
		}
	}
	for len(todo) > 0 {
		next, err := store.All(ctx, q, store.Scalar[sql.NullInt64], `
			select merged_into from customers where customer_id in (`+store.List(1, len(todo))+`)`, store.Args(todo)...)
		if err != nil {
			return nil, err
		}
		todo = nil
		for _, c := range next {
			if c.Valid && !seen[c.Int64] {
				seen[c.Int64] = true
				todo, found = append(todo, c.Int64), append(found, c.Int64)
			}
		}
	}
	return found, nil
}
