package app

import (
	"strings"
	"testing"
	"time"

	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func TestTwoServersAndTwoWorkersAreOneProgramToWhoeverUsesThem(t *testing.T) {
	dsn := testkit.DSN(t, "postgres")
	db := testkit.Open(t, dsn, store.Options{Clock: time.Now})
	one, other := start(t, "serve", dsn), start(t, "serve", dsn)
	defer one.Kill()
	defer other.Kill()
	workers := []running{start(t, "work", dsn), start(t, "work", dsn)}
	defer workers[1].Kill()

	ana := newTeller(t, db)
	ana.signIn(t, one.addr)
	where, _, err := ana.post(other.addr, "/customers", "name", "Petra Horak", "email", "petra@example.com")
	if err != nil || !strings.HasPrefix(where, "/customers/cus_") {
		t.Fatalf("made by the other server: %q, %v", where, err)
	}
	// What one server wants to say after a redirect, the other one says.
	if page := ana.get(t, one.addr, where); !strings.Contains(page, "Petra Horak") || !strings.Contains(page, "alert-good") {
		t.Error("the first server does not show what the other one did")
	}
	workers[0].Kill() // the other one does what is left
	for range 30 {
		if _, _, err := ana.post(one.addr, where+"/notes", "note", "Likes dark roasts"); err != nil {
			t.Fatal(err)
		}
		one, other = other, one
	}
	settled(t, db)
	var facts int
	if err := db.QueryRow(t.Context(), `select count(*) from customer_facts`).Scan(&facts); err != nil || facts != 1 {
		t.Errorf("%d customers have facts, %v", facts, err)
	}
	if _, _, err := ana.post(other.addr, "/sign-out"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ana.post(one.addr, where+"/notes", "note", "No more"); err == nil {
		if n := count(t, db, `select count(*) from customer_notes`); n != 30 {
			t.Errorf("%d notes: who signed out at one server writes at the other", n)
		}
	}
}

// settled waits until all work that is due is done.
func settled(t testing.TB, db *store.DB) {
	t.Helper()
	for range 1200 {
		if count(t, db, `select count(*) from jobs where state = 'running' or state = 'waiting' and unique_key is null
			or state = 'waiting' and unique_key <> 'schedule'`) == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the work does not end")
}

func count(t testing.TB, db *store.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := db.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
