package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Options say how a runner works. The zero value is right for a server.
type Options struct {
	// Workers is how many jobs run at once; 0 means two a processor, from 4
	// to 8.
	Workers int
	// StopWithin is how long running jobs may go on once Run's context has
	// ended; 0 means 20 s. Then their contexts end and they are handed back.
	StopWithin time.Duration
	// Log gets failures; nil means the default logger.
	Log *slog.Logger
}

const (
	// pollEvery keeps the promise of 50 ms to jobs of other processes.
	pollEvery = 40 * time.Millisecond
	// claimAhead is how much work a worker takes into its hands at once:
	// quick jobs are claimed by the dozen, slow ones one by one.
	claimAhead = 20 * time.Millisecond
	maxAhead   = 64
	// tendEvery is how often schedules are compared with the clock.
	tendEvery = 10 * time.Second
	// lastGrace is how long a job gets to return once its context has ended.
	lastGrace = 2 * time.Second
)

var errStopping = errors.New("the program is stopping")

// Runner works the jobs of its kinds.
type Runner struct {
	db      *store.DB
	kinds   map[string]*Kind
	names   []string
	o       Options
	err     error // what is wrong with the kinds
	worker  string
	typical time.Duration // how long a job takes, of late; owned by the loop
	started atomic.Int64

	mu   sync.Mutex
	held map[id.Job]*Job // claimed and not yet settled
}

// NewRunner prepares a runner for the kinds; jobs of other kinds are left to
// others. Run reports kinds without a name or Do, and a name given twice.
func NewRunner(db *store.DB, kinds []Kind, o Options) *Runner {
	if o.Workers <= 0 {
		o.Workers = min(max(4, 2*runtime.NumCPU()), 8)
	}
	if o.StopWithin <= 0 {
		o.StopWithin = 20 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	r := &Runner{
		db: db, o: o, kinds: map[string]*Kind{}, held: map[id.Job]*Job{}, typical: claimAhead,
		worker: fmt.Sprintf("%d-%s", os.Getpid(), rand.Text()[:8]),
	}
	for _, k := range kinds {
		if k.Name == "" || k.Do == nil || r.kinds[k.Name] != nil {
			r.err = fmt.Errorf("jobs: the kind %q has no name, nothing to do, or is there twice", k.Name)
			return r
		}
		r.kinds[k.Name] = &k
		r.names = append(r.names, k.Name)
	}
	slices.Sort(r.names)
	if len(kinds) == 0 {
		r.err = errors.New("jobs: a runner without any kind of job")
	}
	return r
}

// result is a job that a worker has let go of.
type result struct {
	job  *Job
	err  error
	back bool // not worked: to be handed back
	took time.Duration
}

// Run works jobs until ctx ends. Then it claims no more, hands back what has
// not begun, lets the running jobs finish within StopWithin and returns nil.
// Trouble with the database is logged and waited out. Run may be called once.
func (r *Runner) Run(ctx context.Context) error {
	if r.err != nil {
		return r.err
	}
	bell := listen()
	defer hangUp(bell)
	// Work outlives ctx, which only says when to stop taking on more.
	alive, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	go r.beat(alive)

	l := &loop{
		Runner: r, bell: bell,
		queue:   make(chan *Job, r.o.Workers*maxAhead),
		results: make(chan result, r.o.Workers*(maxAhead+1)),
	}
	for range r.o.Workers {
		l.workers.Go(func() {
			for j := range l.queue {
				r.started.Add(1)
				l.results <- r.work(j)
			}
		})
	}
	l.untilDone(ctx, alive)
	l.stop(alive)
	return nil
}

// loop is one Run: a goroutine that claims and settles, and workers between
// its two channels. Neither channel ever fills, so nobody waits on the other.
type loop struct {
	*Runner
	bell    chan struct{}
	queue   chan *Job
	results chan result
	workers sync.WaitGroup
	settled []result // let go of, not yet written
	more    bool     // there may be due jobs
	late    bool     // there are leases that ran out
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

// ahead is how many jobs a worker claims at once.
func (r *Runner) ahead() int {
	return int(min(max(claimAhead/max(r.typical, 1), 1), maxAhead))
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
	jobs, err := l.settleAndClaim(ctx, l.settled, room, l.late)
	if err != nil {
		return err
	}
	l.settled, l.late = l.settled[:0], false
	if room > 0 {
		l.more = len(jobs) == room
	}
	for _, j := range jobs {
		l.queue <- j
	}
	return nil
}

// settleAndClaim is the one transaction by which a runner changes the table.
func (r *Runner) settleAndClaim(ctx context.Context, settled []result, room int, rescue bool) ([]*Job, error) {
	var jobs []*Job
	err := r.db.Tx(ctx, func(tx *store.Tx) error {
		if err := r.settle(ctx, tx, settled); err != nil {
			return err
		}
		if rescue {
			if err := r.rescue(ctx, tx); err != nil {
				return err
			}
		}
		jobs = nil
		var err error
		if room > 0 {
			jobs, err = r.claim(ctx, tx, room)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, res := range settled {
		if r.held[res.job.ID] == res.job {
			delete(r.held, res.job.ID)
		}
		res.job.cancel(nil)
		if res.took > 0 {
			r.typical = (7*r.typical + res.took) / 8
		}
	}
	for _, j := range jobs {
		j.ctx, j.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
		r.held[j.ID] = j
	}
	return jobs, nil
}

// settle writes the ends of jobs. Each statement names the claim, so what
// another worker took over meanwhile is left as it is.
func (r *Runner) settle(ctx context.Context, tx *store.Tx, settled []result) error {
	type group struct {
		kind  *Kind
		claim int64
	}
	done := map[group][]*Job{}
	for _, res := range settled {
		j := res.job
		var err error
		switch failure := ""; {
		case j.done.Load():
		case res.back || res.err != nil && errors.Is(context.Cause(j.ctx), errStopping):
			err = handBack(ctx, tx, j)
		case res.err == nil && j.scheduled():
			_, err = reschedule(ctx, tx, j, "")
		case res.err == nil:
			g := group{j.kind, j.claim}
			done[g] = append(done[g], j)
		default:
			failure = sayFailure(res.err)
			if _, given := errors.AsType[permanent](res.err); given || j.Attempt >= j.kind.attempts() {
				err = bury(ctx, tx, j, failure)
			} else {
				err = retry(ctx, tx, j, failure)
			}
		}
		if err != nil {
			return fmt.Errorf("settle %s %s: %w", j.Kind, j.ID, err)
		}
	}
	for g, jobs := range done {
		for part := range slices.Chunk(jobs, 50) {
			if _, err := complete(ctx, tx, g.kind, g.claim, part); err != nil {
				return fmt.Errorf("complete %s: %w", g.kind.Name, err)
			}
		}
	}
	return nil
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
	flush := func() {
		ctx, cancel := context.WithTimeout(alive, 5*time.Second)
		defer cancel()
		if err := l.turn(ctx); err != nil {
			l.o.Log.Error("jobs could not be settled; their leases will run out", "error", err)
		}
	}
	flush()
	limit := time.NewTimer(l.o.StopWithin)
	defer limit.Stop()
	cut := false
	for {
		select {
		case res := <-l.results:
			l.settled = append(l.settled, res)
			flush()
			continue
		case <-idle:
			flush()
			return
		case <-limit.C:
		}
		if cut { // what does not even end with its context is handed back too
			for _, j := range l.heldJobs() {
				l.settled = append(l.settled, result{job: j, back: true})
			}
			flush()
			return
		}
		cut = true
		for _, j := range l.heldJobs() {
			j.cancel(errStopping)
		}
		limit.Reset(lastGrace)
	}
}

func (r *Runner) heldJobs() []*Job {
	r.mu.Lock()
	defer r.mu.Unlock()
	jobs := make([]*Job, 0, len(r.held))
	for _, j := range r.held {
		jobs = append(jobs, j)
	}
	return jobs
}

// pause waits unless ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
