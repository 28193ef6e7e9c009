package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Job is a job in the hands of a worker.
type Job struct {
	ID      id.Job
	Kind    string
	Key     string    // "": not unique
	Attempt int       // 1 for the first try
	Due     time.Time // when it was to be worked

	args   []byte
	claim  int64
	kind   *Kind
	done   atomic.Bool // Done was committed
	ctx    context.Context
	cancel context.CancelCauseFunc
}

// ErrTakenOver means that the job is no longer this worker's: its lease ran
// out and another one has it, or a person cancelled it. The transaction must
// be rolled back, which returning the error does.
var ErrTakenOver = errors.New("the job was taken over by another worker or cancelled")

// Args reads the job's arguments into v, a pointer.
func (j *Job) Args(v any) error {
	if err := json.Unmarshal(j.args, v); err != nil {
		return Permanent(fmt.Errorf("read the arguments of %s: %w", j.ID, err))
	}
	return nil
}

// Done completes the job in the handler's own transaction, so that the effect
// and the completion are committed together: exactly once, whatever crashes.
// It comes last in the transaction, and fails with ErrTakenOver when another
// worker has the job by now. A handler that never calls Done has its job
// completed after it returned nil.
func (j *Job) Done(ctx context.Context, tx *store.Tx) error {
	n, err := complete(ctx, tx, j.kind, j.claim, []*Job{j})
	if err != nil {
		return fmt.Errorf("complete %s: %w", j.ID, err)
	}
	if n == 0 {
		return ErrTakenOver
	}
	tx.AfterCommit(func() { j.done.Store(true) })
	return nil
}

type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent wraps an error that no further try can mend: the job is given up
// at once. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}
