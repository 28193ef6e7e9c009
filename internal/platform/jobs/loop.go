package jobs

import (
	"context"
	"sync"
	"time"

	"regulars/internal/platform/store"
)

// loop is one Run: a goroutine that claims and settles, and workers between
// its two channels. Neither channel ever fills, so nobody waits on the other.
type loop struct {
	*Runner
	bell    chan struct{}
	queue   chan *Job
	results chan result
	workers sync.WaitGroup
	settled []result // let go of, not yet written
	later   []result // the same, but somebody else has the row
	more    bool     // there may be due jobs
	late    bool     // there are leases that ran out

	analyzed time.Time // by this runner
}

func (l *loop) untilDone(ctx, alive context.Context) {
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	tend := time.NewTicker(tendEvery)
	defer tend.Stop()
	stale := time.NewTicker(500 * time.Millisecond)
	defer stale.Stop()
	l.tendSchedules(ctx)
	l.more = true
	var begun int64
	for ctx.Err() == nil {
		if len(l.settled) > 0 || l.late || l.more && l.room() > 0 {
			if err := l.turn(alive); err != nil {
				l.o.Log.Error("jobs wait for the database", "error", err)
				pause(ctx, time.Second)
				continue
			}
		}
		select {
		case <-ctx.Done():
		case res := <-l.results:
			l.settled = append(l.settled, res)
		case <-l.bell:
			l.more = true
		case <-poll.C:
			l.settled, l.later = append(l.settled, l.later...), nil
			l.poll(ctx)
		case <-tend.C:
			l.tendSchedules(ctx)
		case <-stale.C:
			// Quick jobs turned out to be slow: others may have free hands.
			if n := l.started.Load(); n == begun {
				l.emptyQueue()
			} else {
				begun = n
			}
		}
	}
}

func (l *loop) poll(ctx context.Context) {
	if l.more && l.room() == 0 {
		return
	}
	due, late, err := l.look(ctx)
	if err != nil {
		if ctx.Err() == nil {
			l.o.Log.Error("jobs wait for the database", "error", err)
			pause(ctx, time.Second)
		}
		return
	}
	l.more, l.late = l.more || due, late
}

// room is how many jobs to claim now, none when that is hardly worth asking.
func (l *loop) room() int {
	target := l.o.Workers * l.ahead()
	l.mu.Lock()
	room := target - len(l.held) + len(l.settled)
	l.mu.Unlock()
	if room >= (target+1)/2 || l.ahead() == 1 {
		return max(room, 0)
	}
	return 0
}

// turn writes down what the workers have let go of, and claims new jobs, in
// one transaction.
func (l *loop) turn(ctx context.Context) error {
	for more := true; more; {
		select {
		case res := <-l.results:
			l.settled = append(l.settled, res)
		default:
			more = false
		}
	}
	room := 0
	if l.more {
		room = l.room()
	}
	jobs, later, err := l.settleAndClaim(ctx, l.settled, room, l.late)
	if err != nil {
		return err
	}
	l.settled, l.later, l.late = l.settled[:0], append(l.later, later...), false
	if room > 0 {
		l.more = len(jobs) == room
	}
	if len(jobs) > 50 && l.more {
		l.analyze(ctx)
	}
	for _, j := range jobs {
		l.queue <- j
	}
	return nil
}

// analyze lets PostgreSQL know, at most once a minute, that a table it may
// remember as empty holds a backlog: until then it sorts the whole of it for
// each claim, which makes quick jobs nine times slower.
func (l *loop) analyze(ctx context.Context) {
	if l.db.Embedded() || time.Since(l.analyzed) < time.Minute {
		return
	}
	l.analyzed = time.Now()
	err := l.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `analyze jobs`)
		return err
	})
	if err != nil {
		l.o.Log.Warn("the table of jobs was not analyzed", "error", err)
	}
}

// emptyQueue takes back what no worker has begun.
func (l *loop) emptyQueue() {
	for {
		select {
		case j := <-l.queue:
			l.settled = append(l.settled, result{job: j, back: true})
			l.more, l.typical = true, claimAhead
		default:
			return
		}
	}
}

// stop hands back what has not begun, waits for what runs, and settles all.
func (l *loop) stop(alive context.Context) {
	l.emptyQueue()
	close(l.queue)
	l.more, l.late = false, false
	idle := make(chan struct{})
	go func() { l.workers.Wait(); close(idle) }()
	l.flush(alive)
	limit := time.NewTimer(l.o.StopWithin)
	defer limit.Stop()
	cut := false
	for {
		select {
		case res := <-l.results:
			l.settled = append(l.settled, res)
			l.flush(alive)
			continue
		case <-idle:
			l.flush(alive)
			return
		case <-limit.C:
		}
		if cut { // what does not even end with its context is handed back too
			for _, j := range l.heldJobs() {
				l.settled = append(l.settled, result{job: j, back: true})
			}
			l.flush(alive)
			return
		}
		cut = true
		for _, j := range l.heldJobs() {
			j.cancel(errStopping)
		}
		limit.Reset(lastGrace)
	}
}

// flush writes down what the workers have let go of, and does not give up
// before it had five seconds.
func (l *loop) flush(alive context.Context) {
	ctx, cancel := context.WithTimeout(alive, 5*time.Second)
	defer cancel()
	for {
		err := l.turn(ctx)
		l.settled, l.later = append(l.settled, l.later...), nil
		if err == nil && len(l.settled) == 0 {
			return
		}
		if pause(ctx, 10*time.Millisecond); ctx.Err() != nil {
			l.o.Log.Error("jobs were not settled, their leases will run out", "jobs", len(l.settled), "error", err)
			return
		}
	}
}
