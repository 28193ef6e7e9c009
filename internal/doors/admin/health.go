package admin

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/telemetry"
	"regulars/internal/platform/web"
)

// Health is the list of addresses that programs look at: whether this one is
// alive, whether it can serve, and its metrics for who knows the token.
// Without a token there are no metrics.
func Health(db *store.DB, t *telemetry.Telemetry, token string) []web.Route {
	routes := []web.Route{
		{Pattern: "GET /healthz", Role: web.Public, AnyOrigin: true, Quiet: true, Handler: alive},
		{Pattern: "GET /readyz", Role: web.Public, AnyOrigin: true, Quiet: true, Handler: ready(db)},
	}
	if token == "" {
		return routes
	}
	watch(db, t)
	return append(routes, web.Route{Pattern: "GET /metrics", Role: web.Public, AnyOrigin: true, Quiet: true, Handler: metrics(t, token)})
}

func alive(w http.ResponseWriter, r *web.Request) error {
	return say(w, "ok\n")
}

// ready says whether requests can be answered: the database answers within
// two seconds.
func ready(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		var one int
		if err := db.QueryRow(ctx, `select 1`).Scan(&one); err != nil {
			return errs.Of(errs.Unavailable, err, "admin.health.database")
		}
		return say(w, "ready\n")
	}
}

func say(w http.ResponseWriter, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := w.Write([]byte(text))
	return err
}

func metrics(t *telemetry.Telemetry, token string) web.Handler {
	handler := t.Handler()
	return func(w http.ResponseWriter, r *web.Request) error {
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || subtle.ConstantTimeCompare([]byte(given), []byte(token)) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="metrics"`)
			return errs.Of(errs.SignIn, nil, "admin.health.token")
		}
		handler.ServeHTTP(w, r.Request)
		return nil
	}
}

// watch adds what the database alone can tell.
func watch(db *store.DB, t *telemetry.Telemetry) {
	for name, pool := range db.Pools() {
		t.WatchPool(name, pool)
	}
	t.WatchGauge(telemetry.Gauge{Name: "regulars_jobs", Help: "Jobs in the table, by state; failing ones wait for another try and are counted as waiting too.", Label: "state"},
		func(ctx context.Context) (map[string]float64, error) {
			c, err := jobs.Count(ctx, db, jobs.Filter{})
			return map[string]float64{"waiting": float64(c.Waiting), "running": float64(c.Running), "failing": float64(c.Failing), "dead": float64(c.Dead)}, err
		})
	t.WatchGauge(telemetry.Gauge{Name: "regulars_jobs_late_seconds", Help: "How long the job that is due the longest has been waiting."},
		func(ctx context.Context) (map[string]float64, error) {
			late, err := jobs.Late(ctx, db, db.Now())
			return map[string]float64{"": late.Seconds()}, err
		})
	t.WatchGauge(telemetry.Gauge{Name: "regulars_database_bytes", Help: "What the database takes on disk."},
		func(ctx context.Context) (map[string]float64, error) {
			h, err := db.Look(ctx)
			return map[string]float64{"": float64(h.Bytes)}, err
		})
}
