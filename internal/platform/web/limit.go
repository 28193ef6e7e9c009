package web

import (
	"sync"
	"time"
)

// Limiter bounds how often something is done by each of many: an address, a
// key. Each has a bucket of tries that fills again evenly. It counts in this
// process alone: several processes side by side let through that many times
// as much, which is why what guards a secret is counted in the database too.
type Limiter struct {
	perMinute int
	mu        sync.Mutex
	buckets   map[string]bucket
}

type bucket struct {
	left float64
	at   time.Time // when left was true
}

// maxBuckets is how many are remembered; past that the fuller half is let go.
const maxBuckets = 100_000

// NewLimiter lets each do something perMinute times a minute, all of them at
// once if they like. It is safe for many goroutines.
func NewLimiter(perMinute int) *Limiter {
	return &Limiter{perMinute: perMinute, buckets: map[string]bucket{}}
}

// Quota is what is left to one of many.
type Quota struct {
	OK    bool          // this try is within the limit
	Limit int           // a minute
	Left  int           // further tries at once
	Reset time.Duration // until all tries are there again
	Wait  time.Duration // until the next try; zero when there is one
}

// Take counts a try of who and says whether it is within the limit. Tries that
// are refused are not counted: the wait ends when it was said to.
func (l *Limiter) Take(who string, now time.Time) Quota {
	l.mu.Lock()
	defer l.mu.Unlock()
	most, each := float64(l.perMinute), time.Minute/time.Duration(l.perMinute)
	b, known := l.buckets[who]
	if !known {
		l.makeRoom()
		b = bucket{most, now}
	}
	if passed := now.Sub(b.at); passed > 0 {
		b.left = min(most, b.left+float64(passed)/float64(each))
	}
	b.at = now
	q := Quota{OK: b.left >= 1, Limit: l.perMinute}
	if q.OK {
		b.left--
	}
	l.buckets[who] = b
	q.Left, q.Reset = int(b.left), time.Duration((most-b.left)*float64(each))
	if q.Left == 0 {
		q.Wait = time.Duration((1 - b.left) * float64(each))
	}
	return q
}

// makeRoom lets go of those who have most left, when there are too many.
func (l *Limiter) makeRoom() {
	if len(l.buckets) < maxBuckets {
		return
	}
	for who, b := range l.buckets {
		if b.left >= float64(l.perMinute)/2 || len(l.buckets) > maxBuckets*3/4 {
			delete(l.buckets, who)
		}
	}
}
