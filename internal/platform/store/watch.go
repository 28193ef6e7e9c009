package store

import (
	"context"
	"sync/atomic"

	"regulars/internal/platform/telemetry"
)

var watcher atomic.Pointer[func(query string)]

// Watch calls f with the text of every statement that this process runs from
// now on, on any database. Tests hold all of them to the rules of Citus; f may
// be called by many goroutines.
func Watch(f func(query string)) { watcher.Store(&f) }

// begin tells of a statement that is about to run; the function it returns is
// called when it ran.
func begin(ctx context.Context, query string) (context.Context, func(error)) {
	told(query)
	return telemetry.Statement(ctx, query)
}

func told(query string) {
	if f := watcher.Load(); f != nil {
		(*f)(query)
	}
}
