package api_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"regulars/internal/doors/api"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

// shaky is an operation that does something once and then fails as the test
// wishes.
type shaky struct {
	db   *store.DB
	done int
	fail func() error // after the effect is committed
}

type shakyAnswer struct {
	Done int `json:"done"`
}

func (s *shaky) operation() []rest.Operation {
	return []rest.Operation{rest.Op(rest.Operation{Pattern: "POST /shaky", Name: "shake", Summary: "Shake", Scope: "jobs:write", Role: web.Viewer},
		func(c *rest.Call, _ *struct{}) (*rest.One[shakyAnswer], error) {
			err := c.Write(s.db, func(context.Context, *store.Tx) error { s.done++; return nil })
			if err == nil && s.fail != nil {
				err = s.fail()
			}
			return rest.Show(c, shakyAnswer{s.done}, err)
		})}
}

func TestWhatWasDoneIsNotDoneAgainThoughItsAnswerWasLost(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		s := &shaky{db: db, fail: func() error { return errors.New("the line broke") }}
		h := open(t, db, clock, s.operation())
		h.ask("POST", "/shaky", "", "Idempotency-Key", "k").want(500)
		s.fail = nil
		h.ask("POST", "/shaky", "", "Idempotency-Key", "k").want(409)
		if s.done != 1 {
			t.Errorf("done %d times", s.done)
		}
	})
}

func TestARequestThatWasNeverFinishedCanBeSentAgainLater(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		s := &shaky{db: db}
		h := open(t, db, clock, s.operation())
		var within reply
		s.fail = func() error { // while the first is under way
			s.fail = nil
			within = h.ask("POST", "/shaky", "", "Idempotency-Key", "k")
			return nil
		}
		h.ask("POST", "/shaky", "", "Idempotency-Key", "k").want(200)
		within.want(409)
		if a := h.ask("POST", "/shaky", "", "Idempotency-Key", "k").want(200); a.Header().Get("Idempotency-Replayed") != "true" || s.done != 1 {
			t.Errorf("done %d times, %v", s.done, a.Header())
		}
		// Whoever worked on it died before it had any effect.
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `update api_answers set done = $1, status = 0, answer = null`, false)
			return err
		})
		h.ask("POST", "/shaky", "", "Idempotency-Key", "k").want(409)
		clock.Advance(3 * time.Minute)
		h.ask("POST", "/shaky", "", "Idempotency-Key", "k").want(200)
		if s.done != 2 {
			t.Errorf("done %d times", s.done)
		}
	})
}

func TestKeptAnswersAreReadByNobodyAndGoWithThePerson(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		h := open(t, db, clock)
		const body = `{"name":"Zanzibar","identities":[{"kind":"email","value":"zanzibar@example.com"}]}`
		first := h.ask("POST", "/customers", body, "Idempotency-Key", "anna").want(201)
		again := h.ask("POST", "/customers", body, "Idempotency-Key", "anna").want(201)
		if first.Body.String() != again.Body.String() || again.Header().Get("ETag") != first.Header().Get("ETag") {
			t.Errorf("first\n%s\nagain\n%s", first.Body, again.Body)
		}
		h.ask("POST", "/customers", body, "Idempotency-Key", "another").want(409)
		h.ask("POST", "/customers", `{"name":"Ben"}`, "Idempotency-Key", "anna").want(422)
		h.ask("POST", "/customers", body, "Idempotency-Key", strings.Repeat("x", 256)).want(422)
		var sealed []byte
		if err := db.QueryRow(t.Context(), `select answer from api_answers`).Scan(&sealed); err != nil || len(sealed) == 0 || strings.Contains(string(sealed), "anzibar") {
			t.Fatalf("kept as %q, %v", sealed, err)
		}
		h.ask("DELETE", "/customers/"+first.text("id"), "").want(204)
		h.drain()
		if a := h.ask("POST", "/customers", body, "Idempotency-Key", "anna").want(201); a.Body.Len() > 0 {
			t.Errorf("erased, and answered again: %s", a.Body)
		}
		clock.Advance(25 * time.Hour)
		if err := api.Tidy(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := db.QueryRow(t.Context(), `select count(*) from api_answers`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d answers are kept after a day, %v", n, err)
		}
	})
}

func TestWhatIsKnownAlreadyIsNotSentAgain(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		h := open(t, db, clock)
		c := "/customers/" + h.ask("POST", "/customers", `{"name":"Anna"}`).want(201).text("id")
		tag := h.ask("GET", c, "").want(200).Header().Get("ETag")
		if a := h.ask("GET", c, "", "If-None-Match", tag).want(304); a.Body.Len() > 0 || a.Header().Get("ETag") != tag {
			t.Errorf("%v %s", a.Header(), a.Body)
		}
		h.ask("PUT", c+"/tags/vip", "", "If-Match", tag).want(200)
		h.ask("GET", c, "", "If-None-Match", tag).want(200)
		h.ask("PUT", c+"/tags/late", "", "If-Match", tag).want(412)
		if a := h.ask("GET", c+"?fields=name,tags", "").want(200); len(a.body) != 2 || a.text("name") != "Anna" {
			t.Error(a.Body)
		}
	})
}
