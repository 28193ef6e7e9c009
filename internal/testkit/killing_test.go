package testkit

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	Child("waits", func(told string) error {
		fmt.Println("told " + told)
		time.Sleep(time.Minute)
		return nil
	})
	Child("fails", func(string) error { return errors.New("no good") })
	os.Exit(m.Run())
}

// witness takes what a helper complains of.
type witness struct {
	testing.TB
	said []string
}

func (w *witness) Errorf(format string, args ...any) {
	w.said = append(w.said, fmt.Sprintf(format, args...))
}

func TestAChildIsToldSomethingAndKilledAndOneThatEndsByItselfIsAFault(t *testing.T) {
	w := &witness{TB: t}
	p := StartChild(w, "waits", "sqlite")
	if said := p.Said(); said != "told sqlite" {
		t.Errorf("it says %q", said)
	}
	p.Kill()
	p.Kill() // again is nothing
	if len(w.said) > 0 {
		t.Error(w.said)
	}
	p = StartChild(w, "fails", "")
	_, _ = p.out.ReadByte() // it says nothing and ends
	time.Sleep(100 * time.Millisecond)
	p.Kill()
	if len(w.said) != 1 || !strings.Contains(w.said[0], "exit status 1") {
		t.Errorf("of a child that failed: %q", w.said)
	}
}

func TestChanceOfTheSameSeedIsTheSame(t *testing.T) {
	draw := func() (all [20]int) {
		c := NewChance(t)
		for i := range all {
			all[i] = c.IntN(1000)
		}
		return all
	}
	if one, other := draw(), draw(); one == other {
		t.Error("without a seed there is none")
	}
	t.Setenv(seedEnv, "42")
	if one, other := draw(), draw(); one != other {
		t.Error("the same seed makes other choices")
	}
}
