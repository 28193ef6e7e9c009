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
	"regulars/internal/platform/telemetry"
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
	// Telemetry counts and traces each job; nil does neither.
	Telemetry *telemetry.Telemetry
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
	ctx = store.Unwatched(ctx)
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

// ahead is how many jobs a worker claims at once.
func (r *Runner) ahead() int {
	return int(min(max(claimAhead/max(r.typical, 1), 1), maxAhead))
}

// settleAndClaim is the one transaction by which a runner changes the table.
// It returns the jobs claimed, and those it could not settle yet.
func (r *Runner) settleAndClaim(ctx context.Context, settled []result, room int, rescue bool) (jobs []*Job, later []result, err error) {
	err = r.db.Tx(ctx, func(tx *store.Tx) error {
		var err error
		if later, err = r.settle(ctx, tx, settled); err != nil {
			return err
		}
		if rescue {
			if err := r.rescue(ctx, tx); err != nil {
				return err
			}
		}
		jobs = nil
		if room > 0 {
			jobs, err = r.claim(ctx, tx, room)
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, res := range settled {
		if slices.ContainsFunc(later, func(l result) bool { return l.job == res.job }) {
			continue
		}
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
	return jobs, later, nil
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
