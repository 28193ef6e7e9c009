package collect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
)

const (
	drainJob = "collect.drain"
	tidyJob  = "collect.tidy"
)

// Jobs is the background work of this module. tables are those of all modules.
func Jobs(db *store.DB, tables []customers.Table) []jobs.Kind {
	d := drain{db: db, kinds: kinds(tables)}
	return []jobs.Kind{
		{Name: drainJob, Do: d.do},
		{Name: tidyJob, Next: hourly, Do: func(ctx context.Context, _ *jobs.Job) error { return tidy(ctx, db) }},
	}
}

func hourly(after time.Time) time.Time {
	return after.UTC().Truncate(time.Hour).Add(time.Hour + 7*time.Minute)
}

// drain works the inbox.
type drain struct {
	db    *store.DB
	kinds []Kind
}

const leastSlice, mostSlice = 10, 1000

// hold is how long a slice is meant to take. On SQLite whoever sends waits for
// the writer meanwhile, so it is short unless nobody has sent anything for a
// while: four times as long costs a third less, and half of what is written to
// disk. Elsewhere a slice holds a few rows only, and each statement is a round
// trip that is better shared by many parts.
func (d drain) hold() time.Duration {
	switch {
	case !d.db.Embedded():
		return 200 * time.Millisecond
	case d.db.Quiet() > 250*time.Millisecond:
		return 60 * time.Millisecond
	}
	return 15 * time.Millisecond
}

// errTaken means that another worker took what was read: it is read anew.
var errTaken = errors.New("the parcels were taken by another worker")

// do works everything that is there, round by round. While one is written the
// next one is read and taken apart, which another core can do: the writer is one.
func (d drain) do(ctx context.Context, _ *jobs.Job) error {
	ctx, stop := context.WithCancel(ctx)
	var ahead sync.WaitGroup
	defer ahead.Wait()
	defer stop()
	reading := make(chan round, 1)
	read := func(after int64) { ahead.Go(func() { reading <- d.read(ctx, after) }) }

	size, after := 100, int64(0)
	read(after)
	for {
		r := <-reading
		switch {
		case r.err != nil:
			return r.err
		case r.n == 0 && after == 0:
			return nil
		case r.n == 0: // once more from the start: another program may have committed an older one
			after = 0
			read(after)
			continue
		}
		after = r.last
		read(after)
		err := d.workRound(ctx, r, &size)
		if errors.Is(err, errTaken) {
			<-reading
			after = 0
			read(after)
			continue
		}
		if err != nil {
			return err
		}
	}
}

// workRound works what was read.
func (d drain) workRound(ctx context.Context, r round, size *int) error {
	for _, bad := range r.bad {
		if err := d.layAside(ctx, []Part{bad}, bad.Err); err != nil {
			return err
		}
	}
	for _, name := range r.order {
		k, _ := kindOf(d.kinds, name)
		if err := d.slices(ctx, k, r.parts[name], size); err != nil {
			return err
		}
	}
	return nil
}

// whole is a parcel as one part.
func (p *Parcel) whole() Part {
	return Part{Parcel: p, Topic: p.Topic, Body: p.Body, Weight: heavy, last: true}
}

// cut makes the parts of a parcel that are not done yet.
func (k Kind) cut(p *Parcel) ([]Part, error) {
	if k.Parts == nil {
		return []Part{p.whole()}, nil
	}
	all, err := k.Parts(p)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errs.Wrong("", "collect.error.empty")
	}
	for i := range all {
		all[i].Parcel, all[i].index = p, i
	}
	all[len(all)-1].last = true
	return all[min(p.worked, len(all)-1):], nil
}

// heavy is the weight of what reads and writes an order or a customer.
const heavy = 25

// slice is how many of the parts come to a weight.
func slice(parts []Part, weight int) (n, sum int) {
	for n < len(parts) && (n == 0 || sum+max(1, parts[n].Weight) <= weight) {
		sum += max(1, parts[n].Weight)
		n++
	}
	return n, sum
}

// slices works parts in transactions short enough for the others who wait.
// size is the weight of a slice, learned from how long the last ones held the
// writer; how long they waited for it says nothing of them.
func (d drain) slices(ctx context.Context, k Kind, parts []Part, size *int) error {
	for len(parts) > 0 {
		n, weight := slice(parts, *size)
		var begun time.Time
		if err := d.work(ctx, k, parts[:n], &begun); err != nil {
			return err
		}
		parts = parts[n:]
		if took, hold := time.Since(begun), d.hold(); took > 0 && (weight > *size/2 || took > hold) {
			next := int(float64(weight) * float64(hold) / float64(took))
			*size = min(max(next, *size/2, leastSlice), *size*2, mostSlice)
		}
	}
	return nil
}

// work works parts in one transaction, or what fails in halves, until the one
// at fault stands alone. begun is set to when the last transaction began.
func (d drain) work(ctx context.Context, k Kind, parts []Part, begun *time.Time) error {
	failed := d.db.Tx(ctx, func(tx *store.Tx) error {
		*begun = time.Now()
		if err := take(ctx, tx, parts); err != nil {
			return err
		}
		good := make([]Part, 0, len(parts))
		for _, p := range parts {
			if p.Err == nil {
				good = append(good, p)
			} else if err := fail(ctx, tx, p, p.Err); err != nil {
				return err
			}
		}
		if len(good) == 0 {
			return nil
		}
		return k.Work(ctx, tx, good)
	})
	switch {
	case failed == nil:
		return nil
	case ctx.Err() != nil || errors.Is(failed, errTaken):
		return failed
	case len(parts) == 1:
		return d.layAside(ctx, parts, failed)
	}
	half := len(parts) / 2
	if err := d.work(ctx, k, parts[:half], begun); err != nil {
		return err
	}
	return d.work(ctx, k, parts[half:], begun)
}

// layAside puts a part that cannot be worked among the failures. Where that
// fails too it is the database that is at fault, and the job is tried again.
func (d drain) layAside(ctx context.Context, parts []Part, reason error) error {
	if errs.KindOf(reason) == errs.Internal {
		slog.Error("a part of the inbox cannot be worked", "source", parts[0].Source.String(), "topic", parts[0].Topic, "error", masked(reason))
	}
	return d.db.Tx(ctx, func(tx *store.Tx) error {
		if err := take(ctx, tx, parts); err != nil {
			return err
		}
		return fail(ctx, tx, parts[0], reason)
	})
}

// take takes parts out of the inbox: each parcel that is done goes, one that
// is done in part remembers how far it is. errTaken: another worker has it.
func take(ctx context.Context, tx *store.Tx, parts []Part) error {
	last := map[id.Source]time.Time{}
	var whole []int64
	for i := 0; i < len(parts); {
		p, first := parts[i].Parcel, parts[i].index
		j := i + 1
		for j < len(parts) && parts[j].Parcel == p {
			j++
		}
		end := parts[j-1]
		i = j
		if p.At.After(last[p.Source]) {
			last[p.Source] = p.At
		}
		if first == 0 && end.last {
			whole = append(whole, p.ID)
			continue
		}
		var n int64
		var err error
		if end.last {
			n, err = tx.Exec(ctx, `delete from collect_inbox where id = $1 and worked = $2`, p.ID, first)
		} else {
			n, err = tx.Exec(ctx, `update collect_inbox set worked = $1 where id = $2 and worked = $3`, end.index+1, p.ID, first)
		}
		if err != nil {
			return fmt.Errorf("take from the inbox: %w", err)
		}
		if n != 1 {
			return errTaken
		}
	}
	for len(whole) > 0 {
		some := whole[:min(len(whole), 100)]
		whole = whole[len(some):]
		n, err := tx.Exec(ctx, `delete from collect_inbox where worked = 0 and id in (`+store.List(1, len(some))+`)`, store.Args(some)...)
		if err != nil {
			return fmt.Errorf("take %d parcels from the inbox: %w", len(some), err)
		}
		if n != int64(len(some)) {
			return errTaken
		}
	}
	return touch(ctx, tx, last)
}
