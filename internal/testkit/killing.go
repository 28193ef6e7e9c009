package testkit

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	childEnv   = "REGULARS_TEST_CHILD"
	toldEnv    = "REGULARS_TEST_TOLD"
	seedEnv    = "REGULARS_TEST_SEED"
	tortureEnv = "REGULARS_TORTURE"
)

// Child lets the test's program start itself, as a process that can be killed:
// where StartChild asked for this name it does the work and ends, elsewhere it
// does nothing. It stands first in TestMain.
func Child(name string, work func(told string) error) {
	if os.Getenv(childEnv) != name {
		return
	}
	if err := work(os.Getenv(toldEnv)); err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Process is a child that runs.
type Process struct {
	*exec.Cmd
	t   testing.TB
	out *bufio.Reader
	end sync.Once
}

// StartChild starts the child of a name and tells it something: the database.
// It lives until Kill, or until the test ends.
func StartChild(t testing.TB, name, told string, env ...string) *Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &Process{Cmd: exec.Command(self), t: t}
	p.Env = append(append(os.Environ(), childEnv+"="+name, toldEnv+"="+told), env...)
	p.Stderr = os.Stderr
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.end.Do(func() { _ = p.Process.Kill(); _ = p.Wait() }) })
	return p
}

// Said waits for the next line that the child prints: that it is ready, or
// where it listens.
func (p *Process) Said() string {
	p.t.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		p.t.Fatalf("the child says %q and no more: %v", line, err)
	}
	return strings.TrimSpace(line)
}

// Kill ends it at once, as a power cut would, by SIGKILL. One that has ended
// by itself fails the test.
func (p *Process) Kill() {
	p.t.Helper()
	p.end.Do(func() {
		_ = p.Process.Kill()
		if err := p.Wait(); err == nil || p.ProcessState.Exited() {
			p.t.Errorf("a child ended by itself: %v", p.ProcessState)
		}
	})
}

// Chance is the randomness of a test, for many at once. Who knows its seed has
// the same again; when processes and threads overlap, what follows from it may
// still differ.
type Chance struct {
	mu sync.Mutex
	r  *rand.Rand
}

// NewChance begins at the seed of REGULARS_TEST_SEED, or at a fresh one; a
// test that fails says which it was.
func NewChance(t testing.TB) *Chance {
	t.Helper()
	seed := rand.Uint64()
	if v := os.Getenv(seedEnv); v != "" {
		var err error
		if seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			t.Fatalf("%s is %q, not a seed", seedEnv, v)
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s=%d makes the same choices again", seedEnv, seed)
		}
	})
	return &Chance{r: rand.New(rand.NewPCG(seed, 0))}
}

// IntN is one of 0 to n-1.
func (c *Chance) IntN(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.r.IntN(n)
}

// Within is a while, shorter than d.
func (c *Chance) Within(d time.Duration) time.Duration { return time.Duration(c.IntN(int(d))) }

// Torture runs a test that kills processes on every engine that many may have
// open at once. It kills so many times, or as often as REGULARS_TORTURE says;
// a short run a third.
func Torture(t *testing.T, usual int, test func(t *testing.T, dsn string, kills int, chance *Chance)) {
	t.Helper()
	kills := usual
	if testing.Short() {
		kills = max(2, usual/3)
	}
	if v := os.Getenv(tortureEnv); v != "" {
		var err error
		if kills, err = strconv.Atoi(v); err != nil || kills < 1 {
			t.Fatalf("%s is %q, not a number of kills", tortureEnv, v)
		}
	}
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			chance := NewChance(t)
			// A killed program leaves its node number to its lease, so each
			// database takes a few hundred of them only.
			for left := kills; left > 0 && !t.Failed(); left -= 200 {
				test(t, DSN(t, engine), min(left, 200), chance)
			}
		})
	}
}
