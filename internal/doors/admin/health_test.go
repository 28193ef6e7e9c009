package admin_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"regulars/internal/doors/admin"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/store"
	"regulars/internal/platform/telemetry"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
	"regulars/internal/testkit/page"
)

func TestProgramsSeeWhetherItIsAliveReadyAndHowItFares(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		tel, err := telemetry.New(telemetry.Options{Version: "1.2.3"})
		if err != nil {
			t.Fatal(err)
		}
		texts, err := locale.Load(web.Text(), admin.Files)
		if err != nil {
			t.Fatal(err)
		}
		s, err := web.New(web.Config{Catalog: texts, Routes: admin.Health(db, tel, "sesame"), Telemetry: tel, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		get := func(path, token string) *httptest.ResponseRecorder {
			r := httptest.NewRequest("GET", path, nil)
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			return w
		}
		for _, path := range []string{"/healthz", "/readyz"} {
			if w := get(path, ""); w.Code != http.StatusOK {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
		for _, token := range []string{"", "sesam", "sesame2"} {
			if w := get("/metrics", token); w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), "regulars_") {
				t.Errorf("token %q: %d", token, w.Code)
			}
		}
		text := get("/metrics", "sesame").Body.String()
		for _, want := range []string{`regulars_http_request_seconds_count{route="GET /readyz",status="200"} 1`, `regulars_jobs{state="waiting"} 0`,
			`regulars_jobs_late_seconds 0`, "regulars_database_bytes ", "go_sql_open_connections"} {
			if !strings.Contains(text, want) {
				t.Errorf("missing: %s", want)
			}
		}
		db.Close()
		if w := get("/healthz", ""); w.Code != http.StatusOK {
			t.Errorf("alive without a database: %d", w.Code)
		}
		if w := get("/readyz", ""); w.Code != http.StatusServiceUnavailable {
			t.Errorf("ready without a database: %d", w.Code)
		}
	})
}

func TestWithoutATokenThereAreNoMetrics(t *testing.T) {
	for _, r := range admin.Health(testkit.DB(t), nil, "") {
		if strings.Contains(r.Pattern, "metrics") {
			t.Error("there are")
		}
	}
}

func TestTheStatusPageSaysWhenWorkStandsStillAndWhenAllIsWell(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		h := live(t, db)
		ana := page.As(h.session(h.owner))
		lines := 3
		if db.Embedded() {
			lines = 4 // its backups, too
		}
		page.Get(t, h, "/status", ana).In(".alert-good").Count("tbody tr", lines)
		testkit.Do(t, db, func(tx *store.Tx) error { return jobs.Enqueue(t.Context(), tx, jobs.New{Kind: "facts.refresh"}) })
		clock.Advance(5 * time.Minute)
		page.Get(t, h, "/status", ana).In(".alert-warn").In("tbody tr:last-child", page.HasText("5 minutes"))
		clock.Advance(time.Hour)
		page.Get(t, h, "/status", ana).In(".alert-bad").In("tbody tr:last-child", page.HasText("Trouble"))
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `
				insert into webhook_endpoints (id, url, description, kinds, history, state, secret, failures, created_at)
				values (1, 'https://example.com', '', '', false, 'given_up', $1, 0, 0), (2, 'https://example.com', '', '', false, 'paused', $1, 0, 0)`, []byte{1})
			return err
		})
		page.Get(t, h, "/status", ana).In("tbody tr:last-child", page.HasText("2 in all, 0 failing, 1 switched off")).In("tbody tr:last-child", page.HasText("Trouble"))
		till := page.As(h.session(h.add("Tom Till", "tom@example.com", web.Till)))
		if got := page.Do(t, h, httptest.NewRequest("GET", "/status", nil), till).Status; got != http.StatusForbidden {
			t.Errorf("the till sees it: %d", got)
		}
	})
}

func TestTheStatusPageSaysWhenTheLastBackupWasMade(t *testing.T) {
	db := testkit.DB(t)
	h := live(t, db)
	ana := page.As(h.session(h.owner))
	page.Get(t, h, "/status", ana).In("tbody tr", page.HasText("None was made yet"))
	run(t, db, fmt.Sprintf(`
		insert into backups (id, switched_on, hour, keep_daily, keep_weekly, keep_monthly, recipient, passphrase,
			last_at, last_day, last_file, last_bytes, trouble, tried_at)
		values (1, 1, 3, 7, 4, 12, '', null, %d, '2026-01-01', 'x', 4200000, '', null)`, db.Now().Add(-3*time.Hour).UnixMicro()))
	page.Get(t, h, "/status", ana).In(".alert-good").In("tbody tr", page.HasText("3 hours ago"))
	run(t, db, fmt.Sprintf(`update backups set last_at = %d`, db.Now().Add(-72*time.Hour).UnixMicro()))
	page.Get(t, h, "/status", ana).In(".alert-warn")
	run(t, db, `update backups set trouble = 'full'`)
	page.Get(t, h, "/status", ana).In(".alert-bad").In("tbody tr", page.HasText("A later one failed"))
}
