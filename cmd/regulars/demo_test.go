package main

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestADemoStoreIsMadeOnceAndRemoved(t *testing.T) {
	db := filepath.Join(t.TempDir(), "demo.db")
	step := func(want int, says string, args ...string) string {
		t.Helper()
		var out, errOut bytes.Buffer
		code := run(append([]string{"--db", db, "--log", "error"}, args...), &out, &errOut)
		if all := out.String() + errOut.String(); code != want || !strings.Contains(all, says) {
			t.Fatalf("%v ended with %d, not %d, and said: %s", args, code, want, all)
		}
		return out.String()
	}
	said := step(0, "150 customers", "demo", "--customers", "150", "--until", "2026-03-31")
	if !regexp.MustCompile(`Sign in as demo@example\.com with the password \S{12,}\n`).MatchString(said) {
		t.Errorf("it does not say how to sign in: %s", said)
	}
	step(exitInvalid, "There is a demo store in this database already", "demo")
	step(exitInvalid, "Either remove the demo store or serve it", "demo", "--remove", "--serve")
	step(0, "The demo store is gone", "demo", "--remove")
	step(exitInvalid, "holds no demo store", "demo", "--remove")
	step(exitInvalid, "between 100 and 100000 customers", "demo", "--customers", "3")
	step(exitInvalid, "must be over", "demo", "--until", "2199-01-01")
}
