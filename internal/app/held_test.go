package app

import (
	"errors"
	"testing"

	"regulars/internal/doors/backup"
	"regulars/internal/doors/webhooks"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/mail"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func TestWhatWaitedToGoOutIsHeldInARestoredBackup(t *testing.T) {
	c, _ := place(t)
	a := opened(t, c)
	testkit.Do(t, a.DB, func(tx *store.Tx) error {
		if err := mail.Post(t.Context(), tx, mail.Letter{To: "ana@example.com", Subject: "Come in"}); err != nil {
			return err
		}
		if err := jobs.Enqueue(t.Context(), tx, jobs.New{Kind: "facts.sweep", Key: "test"}); err != nil {
			return err
		}
		_, _, err := webhooks.Add(t.Context(), tx, 0, webhooks.Edit{URL: "https://example.com/hook"})
		return err
	})
	buyer(t, a.DB, "anna")                         // an event that was not told on when the backup is made
	testkit.Do(t, a.DB, func(tx *store.Tx) error { // a worker was just at it
		_, err := tx.Exec(t.Context(), `update jobs set state = 'running', claim = 7, leased_until_at = due_at, started_at = due_at, worker = 'w' where kind = 'mail.send'`)
		return err
	})
	saved, err := Back(t.Context(), c, "", backup.Key{})
	if err := errors.Join(err, a.Close()); err != nil {
		t.Fatal(err)
	}
	done, err := Restore(t.Context(), c, saved.File, "", backup.Key{})
	if err != nil {
		t.Fatal(err)
	}
	a = opened(t, c)
	defer a.Close()
	count := func(f jobs.Filter) jobs.Counts {
		n, err := jobs.Count(t.Context(), a.DB, f)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	letters, calls := count(jobs.Filter{Kind: "mail.send"}), count(jobs.Filter{Kind: "webhooks.send"})
	if letters != (jobs.Counts{Dead: 1, Held: 1}) || calls.Held == 0 || calls.Waiting+calls.Running > 0 || done.Held != letters.Held+calls.Held {
		t.Errorf("letters %+v, webhooks %+v, said %d", letters, calls, done.Held)
	}
	if n := count(jobs.Filter{Kind: "facts.sweep"}); n.Waiting != 1 {
		t.Errorf("what is computed does not go on: %+v", n)
	}
	testkit.Do(t, a.DB, func(tx *store.Tx) error {
		n, err := jobs.Retry(t.Context(), tx, jobs.Filter{Held: true})
		if n != done.Held {
			t.Errorf("%d of %d were sent when a person wished it", n, done.Held)
		}
		return err
	})
	if n := count(jobs.Filter{}); n.Held != 0 || n.Dead != 0 {
		t.Errorf("%+v are left", n)
	}
}
