package webhooks_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"regulars/internal/doors/webhooks"
	"regulars/internal/know/customers"
	"regulars/internal/know/keeping"
	"regulars/internal/know/orders"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func TestAnEventReachesWhoeverWantsItSignedAsTheStandardSays(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		all, some := listen(t), listen(t)
		_, secret := s.add(webhooks.Edit{URL: all.URL})
		_, other := s.add(webhooks.Edit{URL: some.URL, Kinds: []string{"order.placed", "note.added"}})
		c := s.customer(customers.Profile{Name: "Zanzibar Anna", Identities: []customers.Identity{{Kind: customers.Email, Value: "anna@zanzibar.example"}}})
		s.note(c)
		order := s.order(c, "n-1")
		testkit.Do(t, s.db, func(tx *store.Tx) error {
			if err := orders.Cancel(t.Context(), tx, c, order, "other", "too far for zanzibar", clerk); err != nil {
				return err
			}
			return customers.Tag(t.Context(), tx, c, clerk, "zanzibar")
		})
		s.run()
		calls, few := all.got(), some.got()
		if got := kindsOf(t, calls); !slices.Equal(got, []string{"customer.joined", "customer.tagged", "note.added", "order.cancelled", "order.placed"}) {
			t.Errorf("all events: %v", got)
		}
		if got := kindsOf(t, few); !slices.Equal(got, []string{"note.added", "order.placed"}) {
			t.Errorf("some events: %v", got)
		}
		for _, x := range calls {
			w, err := standard.NewWebhook(secret)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Verify([]byte(x.body), x.header); err != nil {
				t.Errorf("the standard's library refuses %s: %v", x.body, err)
			}
			if err := follows(t, x); err != nil {
				t.Errorf("it is not what docs/events says: %s: %v", x.body, err)
			}
			if verifies(t, other, x) {
				t.Error("another endpoint's secret verifies it too")
			}
			m := x.message(t)
			if m.Data.Event.String() != x.id() || m.Data.Customer != c || x.header.Get("Content-Type") != "application/json" || len(x.body) >= 20_000 {
				t.Errorf("%v: %s", x.header, x.body)
			}
			if strings.Contains(strings.ToLower(x.body), "zanzibar") {
				t.Errorf("a personal value went out: %s", x.body)
			}
			if m.Type == "order.placed" && (m.Data.About != order.String() || !strings.Contains(string(m.Data.Details), `"total":1000`)) {
				t.Errorf("the order is told as %s", x.body)
			}
		}
	})
}

func TestAnEventToldTwiceIsDeliveredOnce(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		r := listen(t)
		endpoint, _ := s.add(webhooks.Edit{URL: r.URL})
		c := s.customer(customers.Profile{Name: "Anna"})
		s.run()
		r.got()
		events, err := timeline.History(t.Context(), s.db, c)
		if err != nil {
			t.Fatal(err)
		}
		subscription := webhooks.Subscription(kinds)
		testkit.Do(t, s.db, func(tx *store.Tx) error { return subscription.Handle(t.Context(), tx, events) })
		s.run()
		if again, rows := r.got(), s.list(endpoint, webhooks.Filter{}); len(again) != 0 || len(rows) != 1 {
			t.Errorf("%d calls more, %d deliveries", len(again), len(rows))
		}
	})
}

func TestThePastStaysQuietUnlessAnEndpointAsksForIt(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		usual, late := listen(t), listen(t)
		s.add(webhooks.Edit{URL: usual.URL})
		s.add(webhooks.Edit{URL: late.URL, History: true})
		s.customer(customers.Profile{Name: "Anna", History: true})
		s.run()
		calls := late.got()
		if n := len(usual.got()); n != 0 || len(calls) != 1 || !calls[0].message(t).Data.History {
			t.Errorf("%d calls where history was not asked for, %v where it was", n, calls)
		}
	})
}

func TestTheSecretBeforeSignsTooForADay(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		r := listen(t)
		endpoint, before := s.add(webhooks.Edit{URL: r.URL})
		var after string
		testkit.Do(t, s.db, func(tx *store.Tx) (err error) {
			after, err = webhooks.Rotate(t.Context(), tx, 7, endpoint)
			return err
		})
		if shown, err := webhooks.Secret(t.Context(), s.db, endpoint); err != nil || shown != after || after == before {
			t.Errorf("the secret shown is %q, %v", shown, err)
		}
		for _, c := range []struct {
			wait   time.Duration
			former bool
		}{{0, true}, {23 * time.Hour, true}, {2 * time.Hour, false}} {
			s.clock.Advance(c.wait)
			s.customer(customers.Profile{Name: "Anna"})
			s.run()
			calls := r.got()
			if len(calls) != 1 || !verifies(t, after, calls[0]) || verifies(t, before, calls[0]) != c.former {
				t.Errorf("after %s: %v", c.wait, calls)
			}
		}
		if err := webhooks.Prune(t.Context(), s.db); err != nil {
			t.Fatal(err)
		}
		if until := s.endpoint(endpoint).FormerUntil; !until.IsZero() {
			t.Errorf("the secret that signs no more is still there: until %s", until)
		}
	})
}

// steps are the pauses of the standard's example.
var steps = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

func TestWhatFailsIsTriedForDaysUnderTheSameIdAndThenGivenUp(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		r := listen(t)
		r.says(http.StatusInternalServerError)
		endpoint, secret := s.add(webhooks.Edit{URL: r.URL})
		s.customer(customers.Profile{Name: "Anna"})
		seen, stamps := map[string]bool{}, map[string]bool{}
		for i, step := range steps {
			s.run()
			calls := r.got()
			if len(calls) != 1 || !verifies(t, secret, calls[0]) {
				t.Fatalf("attempt %d: %v", i+1, calls)
			}
			seen[calls[0].id()+calls[0].body], stamps[calls[0].header.Get("webhook-timestamp")] = true, true
			d := s.list(endpoint, webhooks.Filter{})[0]
			pause := d.NextAt.Sub(s.clock.Now())
			if d.Progress != webhooks.Waiting || d.Attempts != i+1 || pause < step || pause > step+step/5 {
				t.Fatalf("after attempt %d it is %s for %s, want %s", i+1, d.Progress, pause, step)
			}
			s.clock.Advance(pause - time.Second)
			s.run()
			if early := r.got(); len(early) != 0 {
				t.Errorf("attempt %d came early", i+2)
			}
			s.clock.Advance(time.Second)
		}
		s.run()
		d := s.list(endpoint, webhooks.Filter{Progress: webhooks.Failed})
		if len(d) != 1 || d[0].Attempts != 10 || len(d[0].Log) != 10 || len(seen) != 1 || len(stamps) != len(steps) {
			t.Fatalf("%+v, %d ids and bodies, %d times", d, len(seen), len(stamps))
		}
		if last := d[0].Log[9]; last.Status != 500 || !strings.Contains(last.Answer, "said by the receiver") || strings.Contains(last.Answer, "ana@example.com") {
			t.Errorf("the log says %+v", last)
		}
		s.clock.Advance(240 * time.Hour)
		r.got()
		s.run()
		if n := len(r.got()); n != 0 {
			t.Errorf("%d calls after it was given up", n)
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		r := listen(t)
		for header, want := range map[string]time.Duration{
			"120": 2 * time.Minute, s.clock.Now().Add(time.Hour).UTC().Format(http.TimeFormat): 59 * time.Minute, "99999999": 24 * time.Hour, "soon": 0, "-5": 0,
		} {
			r.says(http.StatusTooManyRequests, "Retry-After", header)
			endpoint, _ := s.add(webhooks.Edit{URL: r.URL})
			s.customer(customers.Profile{Name: "Anna"})
			s.run()
			d := s.list(endpoint, webhooks.Filter{})[0]
			if pause := d.NextAt.Sub(s.clock.Now()); pause < want || pause > max(want, 6*time.Second)+2*time.Minute {
				t.Errorf("Retry-After %s: the next attempt is in %s", header, pause)
			}
			testkit.Do(t, s.db, func(tx *store.Tx) error { return webhooks.Remove(t.Context(), tx, 7, endpoint) })
		}
	})
}

func TestAnEndpointThatSaysGoneIsSwitchedOffAndHearsLaterWhatItMissed(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		r := listen(t)
		r.says(http.StatusGone)
		endpoint, _ := s.add(webhooks.Edit{URL: r.URL})
		c := s.customer(customers.Profile{Name: "Anna"})
		s.run()
		if e := s.endpoint(endpoint); e.State != webhooks.Gone {
			t.Fatalf("it is %s", e.State)
		}
		r.got()
		s.clock.Advance(time.Hour)
		s.note(c)
		s.run()
		if held := s.list(endpoint, webhooks.Filter{Progress: webhooks.Held}); len(held) != 1 || len(r.got()) != 0 {
			t.Errorf("held back: %v", held)
		}
		if open, err := webhooks.Open(t.Context(), s.db); err != nil || open[endpoint] != (webhooks.Counts{Failed: 1, Held: 1}) {
			t.Errorf("open: %v, %v", open, err)
		}
		r.says(http.StatusOK)
		since := s.clock.Now().Add(-2 * time.Hour)
		testkit.Do(t, s.db, func(tx *store.Tx) error {
			if err := webhooks.Resume(t.Context(), tx, 7, endpoint); err != nil {
				return err
			}
			return webhooks.ReplaySince(t.Context(), tx, endpoint, since, false)
		})
		s.run()
		if got := kindsOf(t, r.got()); !slices.Equal(got, []string{"customer.joined", "note.added"}) {
			t.Errorf("it heard %v", got)
		}
	})
}

func TestAnEndpointThatFailsForDaysIsGivenUpWithANotice(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		r := listen(t)
		r.says(http.StatusBadRequest)
		endpoint, _ := s.add(webhooks.Edit{URL: r.URL})
		c := s.customer(customers.Profile{Name: "Anna"})
		for range 11 {
			s.run()
			s.clock.Advance(12 * time.Hour)
			s.note(c)
		}
		s.run()
		if e := s.endpoint(endpoint); e.State != webhooks.GivenUp {
			t.Fatalf("it is %s, failing since %s", e.State, e.Failing)
		}
		var n int
		if err := s.db.QueryRow(t.Context(), `select count(*) from audit where action = 'webhook.given_up' and user_id = 0`).Scan(&n); err != nil || n != 1 {
			t.Errorf("%d lines in the audit log, %v", n, err)
		}
		r.got()
		s.note(c)
		s.run()
		if len(r.got()) != 0 {
			t.Error("it is still called")
		}
	})
}

func TestOneSuccessEndsTheCountOfFailures(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		r := listen(t)
		r.says(http.StatusServiceUnavailable)
		endpoint, _ := s.add(webhooks.Edit{URL: r.URL})
		s.customer(customers.Profile{Name: "Anna"})
		s.run()
		if e := s.endpoint(endpoint); e.Failures != 1 || e.Failing.IsZero() || e.RestUntil.IsZero() {
			t.Fatalf("%+v", e)
		}
		r.says(http.StatusOK)
		s.clock.Advance(time.Hour)
		s.run()
		if e := s.endpoint(endpoint); e.Failures != 0 || !e.Failing.IsZero() || !e.RestUntil.IsZero() || len(r.got()) != 2 {
			t.Errorf("%+v", e)
		}
	})
}

func TestOfAnEndpointThatIsDownOneDeliveryTriesForAll(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		r := listen(t)
		r.says(http.StatusBadGateway)
		endpoint, _ := s.add(webhooks.Edit{URL: r.URL})
		for range 20 {
			s.customer(customers.Profile{Name: "Anna"})
		}
		for round := range 4 {
			s.run()
			if n := len(r.got()); n != 1 {
				t.Fatalf("round %d: %d calls of an endpoint that is down", round, n)
			}
			s.clock.Advance(s.endpoint(endpoint).RestUntil.Sub(s.clock.Now()) + 15*time.Minute)
		}
		r.says(http.StatusOK)
		for range 3 {
			s.run()
			s.clock.Advance(time.Hour)
		}
		if left := s.list(endpoint, webhooks.Filter{Progress: webhooks.Waiting}); len(left) > 0 {
			t.Errorf("%d still wait", len(left))
		}
	})
}

func TestNeitherInternalAddressesNorRedirectsAreFollowed(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		inside, r := listen(t), listen(t)
		r.says(http.StatusFound, "Location", inside.URL)
		endpoint, _ := s.add(webhooks.Edit{URL: r.URL})
		s.customer(customers.Profile{Name: "Anna"})
		s.run()
		if d := s.list(endpoint, webhooks.Filter{})[0]; d.Status != http.StatusFound || d.Progress != webhooks.Waiting || len(inside.got()) != 0 {
			t.Errorf("a redirect: %+v", d)
		}
		s.kinds = work(s.db)
		s.clock.Advance(time.Hour)
		r.got()
		s.run()
		d := s.list(endpoint, webhooks.Filter{})[0]
		if len(r.got()) != 0 || d.Log[len(d.Log)-1].Failure != "internal" {
			t.Errorf("an internal address: %+v", d)
		}
	})
}

func TestAnAddressThatCannotBeCalledSafelyIsRefused(t *testing.T) {
	s := shop{t: t, db: testkit.DB(t)}
	for _, bad := range []string{"", "example.com/hook", "ftp://example.com", "http://example.com/hook", "http://8.8.8.8/", "https://user:secret@example.com", "https://", "https://" + strings.Repeat("x", 600)} {
		err := s.db.Tx(t.Context(), func(tx *store.Tx) error {
			_, _, err := webhooks.Add(t.Context(), tx, 7, webhooks.Edit{URL: bad})
			return err
		})
		if !errs.Is(err, errs.Invalid) || errs.FieldOf(err) != "url" {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, good := range []string{"https://example.com/hook?x=1", "http://192.168.1.4:5678/hook", "http://localhost:1/"} {
		s.add(webhooks.Edit{URL: good})
	}
}

func TestTheErasureOfAPersonIsToldAndWhatWasAnsweredOfThemGoes(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		r := listen(t)
		endpoint, _ := s.add(webhooks.Edit{URL: r.URL})
		c := s.customer(customers.Profile{Name: "Anna"})
		r.says(http.StatusOK)
		s.run()
		r.got()
		testkit.Do(t, s.db, func(tx *store.Tx) error {
			return customers.EraseForGood(t.Context(), tx, slices.Concat(customers.Tables, webhooks.Tables), c, clerk)
		})
		for _, d := range s.list(endpoint, webhooks.Filter{Customer: c}) {
			if len(d.Log) != 0 {
				t.Errorf("the log still says %+v", d.Log)
			}
		}
		s.run()
		if got := kindsOf(t, r.got()); !slices.Contains(got, "customer.erased") {
			t.Errorf("it was told %v", got)
		}
	})
}

func TestALongMessageGoesWithoutItsDetails(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		r := listen(t)
		s.add(webhooks.Edit{URL: r.URL})
		c := s.customer(customers.Profile{Name: "Anna"})
		testkit.Do(t, s.db, func(tx *store.Tx) error {
			fields := make([]string, 3000)
			for i := range fields {
				fields[i] = "field " + strconv.Itoa(i)
			}
			return timeline.Record(t.Context(), tx, timeline.Event{Customer: c, Kind: "customer.changed", Source: "staff",
				Payload: timeline.Payload(customers.Changed{Fields: fields})})
		})
		s.run()
		for _, x := range r.got() {
			if m := x.message(t); len(x.body) > 20_000 || m.Type == "customer.changed" && m.Data.Details != nil {
				t.Errorf("a message of %d bytes", len(x.body))
			}
		}
	})
}

func TestWhatIsOldOrOfARemovedEndpointGoes(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		r := listen(t)
		stays, _ := s.add(webhooks.Edit{URL: r.URL})
		goes, _ := s.add(webhooks.Edit{URL: r.URL})
		for range 3 {
			s.customer(customers.Profile{Name: "Anna"})
		}
		s.run()
		testkit.Do(t, s.db, func(tx *store.Tx) error { return webhooks.Remove(t.Context(), tx, 7, goes) })
		s.run()
		if a, b := len(s.list(stays, webhooks.Filter{})), len(s.list(goes, webhooks.Filter{})); a != 3 || b != 0 {
			t.Errorf("%d stay, %d of the removed", a, b)
		}
		s.clock.Advance(31 * 24 * time.Hour)
		s.customer(customers.Profile{Name: "New"})
		s.run()
		forget := func(days int) int {
			testkit.Do(t, s.db, func(tx *store.Tx) error {
				return keeping.Choose(t.Context(), tx, 7, webhooks.Keeping, map[string]int{"deliveries": days})
			})
			if err := keeping.Run(t.Context(), s.db, webhooks.Keeping); err != nil {
				t.Fatal(err)
			}
			return len(s.list(stays, webhooks.Filter{}))
		}
		if n := forget(32); n != 4 {
			t.Errorf("%d deliveries before the period chosen is over", n)
		}
		if n := forget(0); n != 1 {
			t.Errorf("%d deliveries after a month", n)
		}
	})
}

func TestAReplayOfManySendsEachOfThemOnce(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		r := listen(t)
		endpoint, _ := s.add(webhooks.Edit{URL: r.URL})
		const n = 450 // more than two slices
		testkit.Do(t, s.db, func(tx *store.Tx) error {
			ps := make([]customers.Profile, n)
			for i := range ps {
				ps[i] = customers.Profile{Name: fmt.Sprint("Anna ", i)}
			}
			_, err := customers.CreateMany(t.Context(), tx, ps)
			return err
		})
		s.run()
		if first := len(r.got()); first != n {
			t.Fatalf("%d calls", first)
		}
		s.clock.Advance(time.Minute)
		testkit.Do(t, s.db, func(tx *store.Tx) error {
			return webhooks.ReplaySince(t.Context(), tx, endpoint, s.clock.Now().Add(-time.Hour), true)
		})
		s.run()
		seen := map[string]int{}
		for _, x := range r.got() {
			seen[x.id()]++
		}
		if len(seen) != n {
			t.Errorf("%d of %d were sent again", len(seen), n)
		}
		for e, times := range seen {
			if times != 1 {
				t.Errorf("%s was sent %d times", e, times)
			}
		}
	})
}

func TestThereAreNotTooManyEndpoints(t *testing.T) {
	s := shop{t: t, db: testkit.DB(t)}
	var last id.Endpoint
	for i := range webhooks.MaxEndpoints {
		last, _ = s.add(webhooks.Edit{URL: fmt.Sprintf("https://example.com/%d", i)})
	}
	err := s.db.Tx(t.Context(), func(tx *store.Tx) error {
		_, _, err := webhooks.Add(t.Context(), tx, 7, webhooks.Edit{URL: "https://example.com/more"})
		return err
	})
	if !errs.Is(err, errs.Invalid) {
		t.Errorf("one more: %v", err)
	}
	if _, err := webhooks.ByID(t.Context(), s.db, last+1); !errs.Is(err, errs.NotFound) {
		t.Errorf("one that is not there: %v", err)
	}
}

func TestAddingAtTheSameMomentStaysWithinTheLimit(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		s := shop{t: t, db: db}
		for i := range webhooks.MaxEndpoints - 1 {
			s.add(webhooks.Edit{URL: fmt.Sprintf("https://example.com/%d", i)})
		}
		var wait, ready sync.WaitGroup
		var added atomic.Int64
		const clerks = 8
		if !db.Embedded() { // there one writes at a time
			ready.Add(clerks)
		}
		for i := range clerks {
			wait.Go(func() {
				first := !db.Embedded()
				err := db.Tx(t.Context(), func(tx *store.Tx) error {
					if first { // all are within a transaction when the first begins
						first = false
						ready.Done()
						ready.Wait()
					}
					_, _, err := webhooks.Add(t.Context(), tx, 7, webhooks.Edit{URL: fmt.Sprintf("https://example.com/more/%d", i)})
					return err
				})
				if err == nil {
					added.Add(1)
				} else if !errs.Is(err, errs.Invalid) {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if n := added.Load(); n != 1 {
			t.Errorf("%d were added where one had room", n)
		}
	})
}

func FuzzAnyRetryAfterIsAPauseWithinADay(f *testing.F) {
	f.Add("120")
	f.Add("Wed, 25 Nov 2026 22:00:00 GMT")
	f.Add("-9223372036854775808")
	f.Fuzz(func(t *testing.T, header string) {
		if d := webhooks.Wished(header, testkit.Start); d < 0 || d > 24*time.Hour {
			t.Errorf("%q is a pause of %s", header, d)
		}
	})
}
