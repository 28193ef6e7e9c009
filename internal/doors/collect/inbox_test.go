package collect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// lines is a kind for tests: a parcel has a part a line, and what was worked
// is remembered in the table of seen messages. A line "bad" cannot be worked.
func lines() Kind {
	return Kind{Name: "lines",
		Parts: func(p *Parcel) ([]Part, error) {
			if strings.Contains(string(p.Body), "unreadable") {
				return nil, errs.Wrong("", "test.list")
			}
			var all []Part
			for l := range strings.SplitSeq(string(p.Body), "\n") {
				all = append(all, Part{Topic: "line", Body: []byte(l)})
			}
			return all, nil
		},
		Work: func(ctx context.Context, tx *store.Tx, parts []Part) error {
			for _, p := range parts {
				if string(p.Body) == "bad" {
					return errs.Wrong("", "test.bad")
				}
				if _, err := tx.Exec(ctx, `insert into collect_seen (message, source_id, seen_at) values ($1, $2, 0)`, string(p.Body), int64(p.Source)); err != nil {
					return err // a line that is worked twice fails here
				}
			}
			return nil
		}}
}

func addSource(t *testing.T, db *store.DB, kind string) Source {
	t.Helper()
	var s Source
	testkit.Do(t, db, func(tx *store.Tx) error {
		made, err := Add(t.Context(), tx, 7, NewSource{Kind: kind, Name: "The shop"})
		if err == nil {
			s, err = SourceByID(t.Context(), tx, made)
		}
		return err
	})
	return s
}

func accept(t *testing.T, in *Inbox, s Source, body string) {
	t.Helper()
	if err := in.Accept(t.Context(), &Parcel{Source: s.ID, Topic: "batch", At: testkit.Start, Body: []byte(body)}); err != nil {
		t.Fatal(err)
	}
}

func worked(t *testing.T, db *store.DB) []string {
	t.Helper()
	all, err := store.All(t.Context(), db, store.Scalar[string], `select message from collect_seen order by message`)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func inInbox(t *testing.T, db *store.DB) (n int) {
	t.Helper()
	if err := db.QueryRow(t.Context(), `select count(*) from collect_inbox`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func drainWith(t *testing.T, db *store.DB, k Kind) error {
	t.Helper()
	d := drain{db: db, kinds: []Kind{k}}
	return jobs.Drain(t.Context(), db, []jobs.Kind{{Name: drainJob, Do: d.do}})
}

func TestManyRequestsAtOnceAreAllCommittedAndWorkedOnce(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s, in := addSource(t, db, "lines"), NewInbox(db)
		var wait sync.WaitGroup
		for i := range 200 {
			wait.Go(func() {
				p := &Parcel{Source: s.ID, Topic: "batch", At: testkit.Start, Body: fmt.Appendf(nil, "a%03d\nb%03d", i, i)}
				if err := in.Accept(t.Context(), p); err != nil || p.ID == 0 {
					t.Errorf("accept: %v, id %d", err, p.ID)
				}
				var there bool
				if err := db.QueryRow(t.Context(), `select exists (select 1 from collect_inbox where id = $1)`, p.ID).Scan(&there); err != nil || !there {
					t.Errorf("a request was acknowledged before it was there: %v", err)
				}
			})
		}
		wait.Wait()
		if err := drainWith(t, db, lines()); err != nil {
			t.Fatal(err)
		}
		if got := worked(t, db); len(got) != 400 || got[0] != "a000" || got[399] != "b199" {
			t.Errorf("%d lines were worked, want 400", len(got))
		}
		if n := inInbox(t, db); n != 0 {
			t.Errorf("%d parcels are left", n)
		}
	})
}

func TestWhatCannotBeWorkedIsLaidAsideAloneAndCanBeTriedAgain(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s, in := addSource(t, db, "lines"), NewInbox(db)
		accept(t, in, s, "one\nbad\ntwo")
		accept(t, in, s, "unreadable")
		accept(t, in, s, "three")
		if err := drainWith(t, db, lines()); err != nil {
			t.Fatal(err)
		}
		if got := worked(t, db); !slices.Equal(got, []string{"one", "three", "two"}) {
			t.Errorf("worked %q", got)
		}
		failed, err := Failures(t.Context(), db, s.ID, 0, 10)
		if err != nil || len(failed) != 2 {
			t.Fatalf("%d failures, %v", len(failed), err)
		}
		if f := failed[0]; errs.KeyOf(f.Reason) != "test.bad" || string(f.Body) != "bad" || f.Topic != "line" || !f.ReceivedAt.Equal(testkit.Start) {
			t.Errorf("the line was laid aside as %+v", f)
		}
		mended := lines()
		mended.Work = func(ctx context.Context, tx *store.Tx, parts []Part) error {
			_, err := tx.Exec(ctx, `insert into collect_seen (message, source_id, seen_at) values ('mended', $1, 0)`, int64(parts[0].Source))
			return err
		}
		if n, err := Retry(t.Context(), db, 7, s.ID, failed[0].ID); n != 1 || err != nil {
			t.Errorf("%d were put back, %v", n, err)
		}
		if err := drainWith(t, db, mended); err != nil {
			t.Fatal(err)
		}
		if got := worked(t, db); !slices.Contains(got, "mended") {
			t.Errorf("after trying again: %q", got)
		}
		if counts, err := FailureCounts(t.Context(), db); err != nil || counts[s.ID] != 1 {
			t.Errorf("failures left %v, %v", counts, err)
		}
	})
}

func TestManyFailuresArePutBackAFewAtATime(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			var ctx context.Context
			var stop context.CancelFunc
			begun, limit := 0, 0 // looks at the clock: one or more a transaction
			db := testkit.Open(t, testkit.DSN(t, engine), store.Options{Clock: func() time.Time {
				if begun++; begun == limit {
					stop()
				}
				return testkit.Start
			}})
			s := addSource(t, db, "lines")
			other := addSource(t, db, "lines")
			const many = 2*failureSlice + 20
			testkit.Do(t, db, func(tx *store.Tx) error {
				for i := range many + 1 {
					p := Part{Parcel: &Parcel{Source: s.ID}, Topic: "line", Body: fmt.Appendf(nil, "l%d", i)}
					if i == many {
						p.Source = other.ID
					}
					if err := fail(t.Context(), tx, p, errs.Wrong("", "test.bad")); err != nil {
						return err
					}
				}
				return nil
			})
			// Stopped at any moment, what was moved until then stays moved.
			total, inPart := 0, false
			for k := 1; ; k++ {
				ctx, stop = context.WithCancel(t.Context())
				limit = begun + k
				n, err := Retry(ctx, db, 7, s.ID, 0)
				stop()
				total += n
				if inInbox(t, db) != total {
					t.Fatalf("%d were put back, %d are in the inbox, %v", total, inInbox(t, db), err)
				}
				inPart = inPart || err != nil && n > 0 && n < many
				if err == nil {
					break
				}
			}
			if total != many || !inPart {
				t.Errorf("%d of %d were put back; a few at a time: %v", total, many, inPart)
			}
			if counts, err := FailureCounts(t.Context(), db); err != nil || len(counts) != 1 || counts[other.ID] != 1 {
				t.Errorf("failures left %v, %v", counts, err)
			}
			if err := Discard(t.Context(), db, 7, other.ID); err != nil {
				t.Error(err)
			}
			if counts, err := FailureCounts(t.Context(), db); err != nil || len(counts) != 0 {
				t.Errorf("failures left %v, %v", counts, err)
			}
		})
	}
}

func TestAParcelWorkedInPartIsGoneOnWith(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s, in := addSource(t, db, "lines"), NewInbox(db)
		var all []string
		for i := range 50 {
			all = append(all, fmt.Sprintf("l%02d", i))
		}
		accept(t, in, s, strings.Join(all, "\n"))
		d := drain{db: db, kinds: []Kind{lines()}}
		dying, die := context.WithCancel(t.Context())
		k := lines()
		plain := k.Work
		slices := 0
		k.Work = func(ctx context.Context, tx *store.Tx, parts []Part) error {
			if slices++; slices == 3 {
				die()
				return errors.New("the machine went down")
			}
			return plain(ctx, tx, parts)
		}
		d.kinds[0] = k
		size := 10
		if err := d.workRound(dying, d.read(dying, 0), &size); err == nil {
			t.Fatal("the round did not die")
		}
		if n := inInbox(t, db); n != 1 {
			t.Fatalf("%d parcels are left, want the one", n)
		}
		if err := drainWith(t, db, lines()); err != nil {
			t.Fatal(err)
		}
		if got := worked(t, db); len(got) != 50 {
			t.Errorf("%d of 50 lines were worked", len(got))
		}
	})
}

func TestParcelsOfManyRoundsAreWorkedOnceAndAnOlderOneThatComesLateToo(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s, in := addSource(t, db, "lines"), NewInbox(db)
		n := 2*readParcels + 500
		testkit.Do(t, db, func(tx *store.Tx) error {
			parcels := make([]*Parcel, n)
			for i := range parcels {
				parcels[i] = &Parcel{Source: s.ID, Topic: "batch", At: testkit.Start, kept: fmt.Appendf(nil, "l%05d", i)}
			}
			return insert(t.Context(), tx, parcels)
		})
		k := lines()
		plain := k.Work
		late := false
		k.Work = func(ctx context.Context, tx *store.Tx, parts []Part) error {
			if !late && slices.ContainsFunc(parts, func(p Part) bool { return string(p.Body) == "l03000" }) {
				if _, err := tx.Exec(ctx, `insert into collect_inbox (id, source_id, topic, delivery, received_at, noted, worked, body)
					values (1, $1, 'batch', '', 0, '{}', 0, $2)`, int64(s.ID), []byte("late")); err != nil {
					return err
				}
				tx.AfterCommit(func() { late = true })
			}
			return plain(ctx, tx, parts)
		}
		d := drain{db: db, kinds: []Kind{k}}
		if err := d.do(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if got := worked(t, db); len(got) != n+1 || !late || got[n] != "late" {
			t.Errorf("%d of %d lines were worked", len(got), n+1)
		}
		accept(t, in, s, "one more")
		if err := drainWith(t, db, k); err != nil || inInbox(t, db) != 0 {
			t.Errorf("the next one stays: %v", err)
		}
	})
}

// A slice is as long as it held the writer, or the drain would take a few events
// a turn just when many others wait.
func TestWaitingForTheWriterMakesNoSliceShorter(t *testing.T) {
	db := testkit.Open(t, testkit.DSN(t, "sqlite"), store.Options{})
	s, in := addSource(t, db, "lines"), NewInbox(db)
	k := lines()
	k.Work = func(context.Context, *store.Tx, []Part) error { return nil }
	d := drain{db: db, kinds: []Kind{k}}
	size := 0
	for range 5 { // a machine that is busy may hold up a slice itself
		accept(t, in, s, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10")
		held := make(chan struct{})
		var other sync.WaitGroup
		other.Go(func() {
			testkit.Do(t, db, func(*store.Tx) error {
				close(held)
				time.Sleep(10 * d.hold())
				return nil
			})
		})
		<-held
		size = 200
		if err := d.workRound(t.Context(), d.read(t.Context(), 0), &size); err != nil {
			t.Fatal(err)
		}
		other.Wait()
		if size >= 200 {
			return
		}
	}
	t.Errorf("the next slice has %d parts instead of 200", size)
}

// Where nobody waits for the writer it is held for longer, as that costs less.
func TestSlicesAreLongerWhileNobodySends(t *testing.T) {
	db := testkit.Open(t, testkit.DSN(t, "sqlite"), store.Options{})
	d := drain{db: db}
	testkit.Do(t, db, func(*store.Tx) error { return nil })
	short := d.hold()
	time.Sleep(300 * time.Millisecond)
	if long := d.hold(); long <= short || long > 60*time.Millisecond {
		t.Errorf("%v instead of %v", long, short)
	}
	testkit.Do(t, db, func(*store.Tx) error { return nil })
	if again := d.hold(); again != short {
		t.Errorf("%v when somebody wrote just now, instead of %v", again, short)
	}
}

func TestTwoWorkersNeverWorkTheSameParcel(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s, in := addSource(t, db, "lines"), NewInbox(db)
		accept(t, in, s, "one\ntwo")
		d := drain{db: db, kinds: []Kind{lines()}}
		parcels, err := oldest(t.Context(), db, 0)
		if err != nil {
			t.Fatal(err)
		}
		mine, _ := lines().cut(parcels[0])
		if err := drainWith(t, db, lines()); err != nil { // the other one is faster
			t.Fatal(err)
		}
		if err := d.work(t.Context(), lines(), mine, new(time.Time)); !errors.Is(err, errTaken) {
			t.Errorf("the slower worker got %v, want that the parcel was taken", err)
		}
	})
}

func TestADisabledSourceIsUnknownAtOnce(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s, b := addSource(t, db, "lines"), book{db: db}
		if got, err := b.find(t.Context(), "lines", s.Token); err != nil || got.ID != s.ID {
			t.Fatalf("found %v, %v", got, err)
		}
		if _, err := b.find(t.Context(), "other", s.Token); !errors.Is(err, ErrUnknown) {
			t.Errorf("a key of another kind of source gives %v", err)
		}
		testkit.Do(t, db, func(tx *store.Tx) error { return Disable(t.Context(), tx, 7, s.ID) })
		if _, err := b.find(t.Context(), "lines", s.Token); !errors.Is(err, ErrUnknown) {
			t.Errorf("a disabled source gives %v", err)
		}
		testkit.Do(t, db, func(tx *store.Tx) error { return Enable(t.Context(), tx, 7, s.ID) })
		if _, err := b.find(t.Context(), "lines", s.Token); err != nil {
			t.Errorf("enabled again: %v", err)
		}
	})
}

func TestMessagesAreUnseenOnce(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		ask := func(s id.Source, messages ...string) (fresh map[string]bool) {
			testkit.Do(t, db, func(tx *store.Tx) (err error) {
				fresh, err = unseen(t.Context(), tx, s, messages)
				return err
			})
			return fresh
		}
		var many []string
		for i := range 120 {
			many = append(many, fmt.Sprint("m", i))
		}
		if fresh := ask(1, many...); len(fresh) != 120 {
			t.Errorf("%d of 120 are fresh", len(fresh))
		}
		if fresh := ask(1, "m3", "new"); len(fresh) != 1 || !fresh["new"] {
			t.Errorf("fresh the second time: %v", fresh)
		}
		if fresh := ask(2, "m3"); !fresh["m3"] {
			t.Error("another source's message is taken for the same")
		}
		clock.Advance(seenFor + 1e9)
		ask(1, "young")
		if err := tidy(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		if got := worked(t, db); !slices.Equal(got, []string{"young"}) {
			t.Errorf("remembered after two days: %q", got)
		}
	})
}

func TestALargeBodyLiesPackedInTheInboxAndComesOutAsItWas(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s, in := addSource(t, db, "lines"), NewInbox(db)
		looksPacked := "\x28\xb5\x2f\xfd but is not"
		long := strings.Repeat("the same again ", 2000)
		accept(t, in, s, long)
		accept(t, in, s, looksPacked)
		var size int
		if err := db.QueryRow(t.Context(), `select max(length(body)) from collect_inbox`).Scan(&size); err != nil || size > 2000 {
			t.Errorf("%d bytes lie in the inbox, of %d (%v)", size, len(long), err)
		}
		all, err := oldest(t.Context(), db, 0)
		if err != nil || len(all) != 2 || string(all[0].Body) != long || string(all[1].Body) != looksPacked {
			t.Errorf("came out otherwise: %v", err)
		}
	})
}
