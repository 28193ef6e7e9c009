package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"regulars/internal/doors/importers"
	"regulars/internal/know/orders"
)

// teller says how an import goes: a line that changes on a terminal, a line
// now and then elsewhere.
type teller struct {
	out      io.Writer
	name     string
	quiet    bool
	terminal bool
	started  time.Time
	last     time.Time
}

func newTeller(out io.Writer, name string, quiet bool) *teller {
	return &teller{out: out, name: name, quiet: quiet, terminal: isTerminal(out), started: time.Now()}
}

// isTerminal reports whether a person watches.
func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

const tellEvery = 10 * time.Second

func (t *teller) progress(im importers.Import) {
	if t.quiet || !t.terminal && time.Since(t.last) < tellEvery {
		return
	}
	t.last = time.Now()
	spent := time.Since(t.started)
	rate := float64(im.Position) / max(spent.Seconds(), 0.001)
	left := ""
	if done := im.Done(); done > 0.01 && done < 1 {
		left = fmt.Sprintf(", about %s left", (time.Duration(float64(spent)/done) - spent).Round(time.Second))
	}
	line := fmt.Sprintf("%s: %d rows, %.0f %%, %.0f rows a second%s", t.name, im.Position, im.Done()*100, rate, left)
	if t.terminal {
		fmt.Fprintf(t.out, "\r\033[K%s", line)
	} else {
		fmt.Fprintln(t.out, line)
	}
}

func (t *teller) summary(im importers.Import) {
	if t.quiet {
		return
	}
	if t.terminal {
		fmt.Fprint(t.out, "\r\033[K")
	}
	c := im.Counts
	if c.Subscriptions != (orders.Subscribers{}) {
		fmt.Fprintf(t.out, "%s: %d rows in %s. %d new subscriptions, %d changed, %d as they were; %d new customers.\n", t.name, im.Position,
			time.Since(t.started).Round(time.Millisecond), c.Subscriptions.New, c.Subscriptions.Changed, c.Subscriptions.Same, c.Customers)
	} else {
		fmt.Fprintf(t.out, "%s: %d rows in %s. %d new orders and returns with %d lines, %d changed, %d as they were; %d new customers.\n",
			t.name, im.Position, time.Since(t.started).Round(time.Millisecond), c.New, c.Lines, c.Changed, c.Same, c.Customers)
	}
	if c.Words > 0 {
		fmt.Fprintf(t.out, "%d consents, refusals and dead addresses were written down.\n", c.Words)
	}
	if c.Skipped > 0 {
		fmt.Fprintf(t.out, "%d rows hold nothing that counts, such as payments that failed.\n", c.Skipped)
	}
	if c.Bad > 0 {
		fmt.Fprintf(t.out, "%d rows could not be read. --errors FILE writes them to a file with line, column and reason; mend and import it.\n", c.Bad)
	}
}
