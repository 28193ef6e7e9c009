package jobs

import (
	"context"
	"runtime/debug"
	"time"
)

var large = make(chan struct{}, 1)

// Large waits for the turn of work that holds very much in memory, such as all
// that customers ever bought: one at a time in a process. Meanwhile less garbage
// is let lie, and what was needed is given back to the system afterwards; of a
// small business neither is felt. The function it returns ends the turn.
func Large(ctx context.Context) (end func(), err error) {
	select {
	case large <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	began, usual := time.Now(), debug.SetGCPercent(25)
	return func() {
		debug.SetGCPercent(usual)
		if time.Since(began) > time.Second {
			debug.FreeOSMemory()
		}
		<-large
	}, nil
}
