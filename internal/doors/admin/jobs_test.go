package admin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
	"regulars/internal/testkit/browser"
	"regulars/internal/testkit/page"
)

// addJobs leaves a job that failed, one given up, one for later and one that
// runs.
func addJobs(t *testing.T, db *store.DB) {
	t.Helper()
	enqueue := func(all ...jobs.New) {
		testkit.Do(t, db, func(tx *store.Tx) error { return jobs.Enqueue(t.Context(), tx, all...) })
	}
	fail := func(context.Context, *jobs.Job) error { return errors.New("no answer <b>at all</b>") }
	refuse := func(context.Context, *jobs.Job) error { return errs.Wrong("state", "admin.jobs.choose") }
	enqueue(jobs.New{Kind: "mail.send", Args: map[string]int{"message": 7}}, jobs.New{Kind: "shop.fetch"})
	if err := jobs.Drain(t.Context(), db, []jobs.Kind{{Name: "mail.send", Do: fail}, {Name: "shop.fetch", Do: refuse, Attempts: 1}}); err == nil {
		t.Fatal("nothing failed")
	}
	enqueue(jobs.New{Kind: "facts.refresh", At: db.Now().Add(time.Hour)}, jobs.New{Kind: "demo.run"})
	run(t, db, `update jobs set state = 'running', claim = 1, started_at = due_at, leased_until_at = due_at, worker = 'w' where kind = 'demo.run'`)
}

func TestWhatWaitsRunsAndFailedIsOnAPage(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		h := live(t, db)
		addJobs(t, db)
		ana := page.As(h.session(h.owner))
		p := page.Get(t, h, "/jobs", ana).Count("tbody tr", 4).In(".list-total", page.HasText("4 jobs"))
		if strings.Contains(p.Body, "<b>at all") {
			t.Error("a failure is not escaped")
		}
		for view, want := range map[string]string{"waiting": "facts.refresh", "running": "demo.run", "failing": "mail.send", "dead": "shop.fetch"} {
			p := page.Get(t, h, "/jobs?state="+view, ana).In("tbody th", page.HasText(want)).In("[aria-current=page] .count")
			if wantRows := map[string]int{"waiting": 2}[view]; len(p.Texts("tbody tr")) != max(wantRows, 1) {
				t.Errorf("%s: %v", view, p.Texts("tbody tr"))
			}
		}
		page.Get(t, h, "/jobs?kind=mail.send", ana).Count("tbody tr", 1).In("tbody th .hint", page.HasText("7")).In(".chip", page.HasText("Send a letter")).In("select[name=kind] option[selected]", page.HasText("Send a letter"))
		page.Get(t, h, "/jobs?state=dead&kind=nothing", ana).In(".blank").Not("form[action='/jobs/cancellation']")
		if csv := page.Get(t, h, "/jobs/export?state=dead", ana).Body; !strings.Contains(csv, "shop.fetch") || !strings.Contains(csv, "Choose") || strings.Count(csv, "\n") != 2 {
			t.Errorf("export:\n%s", csv)
		}
	})
}

func TestAManagerTriesWorkAgainAndCancelsItAndTheLogSaysWho(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		h := live(t, db)
		addJobs(t, db)
		ana := page.As(h.session(h.owner))
		count := func() jobs.Counts {
			c, err := jobs.Count(t.Context(), db, jobs.Filter{})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		retry := page.Get(t, h, "/jobs?state=dead", ana).Attr("tbody form[action$='/attempt']", "action")
		in := page.Post(t, h, retry, form("state", "dead"), ana).Redirects("/jobs?state=dead")
		if c := count(); c.Dead != 0 || c.Waiting != 3 {
			t.Errorf("after the retry: %+v", c)
		}
		page.Get(t, h, "/jobs?state=dead", ana, in.Cookies()).In(".alert-good", page.HasText("1 job is tried now"))
		page.Post(t, h, "/jobs/cancellation", form("state", ""), ana).HasStatus(http.StatusUnprocessableEntity)
		page.Post(t, h, "/jobs/cancellation", form("state", "waiting", "kind", "mail.send"), ana).Redirects("/jobs?kind=mail.send&state=waiting")
		if c := count(); c != (jobs.Counts{Waiting: 2, Running: 1, Failing: 1}) {
			t.Errorf("after the cancellation: %+v", c)
		}
		running := page.Get(t, h, "/jobs?state=running", ana).Not("tbody form[action$='/attempt']").Attr("tbody form[action$='/cancellation']", "action")
		page.Post(t, h, running, url.Values{}, ana).Redirects("/jobs")
		page.Post(t, h, running, url.Values{}, ana).Redirects("/jobs") // it is gone
		lines, err := users.AuditLog(t.Context(), db, users.Lines{By: h.owner, Before: 0, Limit: 10})
		if err != nil || len(lines) < 3 || lines[0].Action != "jobs.cancelled" || lines[1].Action != "jobs.cancelled" || lines[2].Action != "jobs.retried" {
			t.Errorf("%+v, %v", lines, err)
		}
		page.Get(t, h, "/audit", ana).In("tbody", page.HasText("Cancelled background work"))
	})
}

func TestAListOfManyJobsGoesOnWithoutGapOrRepeat(t *testing.T) {
	h := live(t, testkit.DB(t))
	testkit.Do(t, h.db, func(tx *store.Tx) error {
		for i := range 120 {
			if err := jobs.Enqueue(t.Context(), tx, jobs.New{Kind: "mail.send", Args: map[string]string{"n": fmt.Sprintf("<%d>", i)}}); err != nil {
				return err
			}
		}
		return nil
	})
	ana := page.As(h.session(h.owner))
	seen, at := map[string]bool{}, "/jobs?state=waiting"
	for at != "" {
		p := page.Get(t, h, at, ana)
		for _, line := range p.Texts("tbody th") {
			seen[line] = true
		}
		at = p.Attr("a[rel=next]", "href")
	}
	if len(seen) != 120 {
		t.Errorf("%d jobs were shown, want 120", len(seen))
	}
	page.Get(t, h, "/jobs?after=nonsense", ana).Count("tbody tr", 50)
}

func TestOnlyManagersSeeBackgroundWork(t *testing.T) {
	h := live(t, testkit.DB(t))
	bo := page.As(h.session(h.add("Bo", "bo@example.com", web.Agent)))
	page.Do(t, h, get("/jobs"), bo).HasStatus(http.StatusForbidden)
	page.Do(t, h, get("/jobs/export"), bo).HasStatus(http.StatusForbidden)
	page.Post(t, h, "/jobs/cancellation", form("state", "waiting"), bo).HasStatus(http.StatusForbidden)
	page.Get(t, h, "/", bo).Not("a[href='/jobs']")
}

func TestBackgroundWorkIsFitForEverybodyAtEverySize(t *testing.T) {
	h := live(t, testkit.DB(t))
	addJobs(t, h.db)
	for _, view := range []struct {
		width int64
		theme string
	}{{browser.Narrow, "light"}, {browser.Wide, "dark"}, {browser.Wide, "light"}} {
		tab := browser.Open(t, h, "", view.width, view.theme)
		tab.SignIn(h.session(h.owner))
		check(tab, "/jobs", fmt.Sprintf("jobs-%d-%s", view.width, view.theme))
		check(tab, "/jobs?state=failing", fmt.Sprintf("jobs-failing-%d-%s", view.width, view.theme))
	}
}

func TestWhatARestoredBackupHoldsIsSentOrCancelledByAPerson(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		h := live(t, db)
		addJobs(t, db)
		ana := page.As(h.session(h.owner))
		page.Get(t, h, "/jobs", ana).Not("a[href='/jobs?state=held']")
		testkit.Do(t, db, func(tx *store.Tx) error {
			n, err := jobs.Hold(t.Context(), tx, []jobs.Kind{{Name: "mail.send", Outward: true}, {Name: "demo.run"}})
			if n != 1 {
				t.Errorf("%d are held", n)
			}
			return err
		})
		page.Get(t, h, "/jobs", ana).In("a[href='/jobs?state=held']", page.HasText("1"))
		p := page.Get(t, h, "/jobs?state=held", ana).Count("tbody tr", 1).In("tbody tr", page.HasText("mail.send")).In("tbody tr", page.HasText("may have gone out since"))
		p.In("form[action='/jobs/attempt']").In("form[action='/jobs/cancellation']")
		page.Post(t, h, "/jobs/attempt", form("state", "held"), ana).Redirects("/jobs?state=held")
		page.Get(t, h, "/jobs?state=held", ana).Not("tbody tr")
		if c, err := jobs.Count(t.Context(), db, jobs.Filter{}); err != nil || c != (jobs.Counts{Waiting: 2, Running: 1, Dead: 1}) {
			t.Errorf("%+v, %v", c, err)
		}
	})
}
