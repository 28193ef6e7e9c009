package testkit

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"regulars/internal/app/migrations"
	"regulars/internal/platform/store"
)

// servers are the database servers that an environment variable names: one, or
// the coordinator of a cluster and behind commas its workers.
func servers(t testing.TB, env string) []string {
	t.Helper()
	dsns := os.Getenv(env)
	if dsns == "" {
		t.Skipf("%s names no server (make test starts one)", env)
	}
	return strings.Split(dsns, ",")
}

// serverCopy makes a database by copying a migrated one that all test
// binaries share; its name carries the hash of the migrations. Of a cluster
// each machine's part is copied.
func serverCopy(t testing.TB, env string) string {
	t.Helper()
	nodes := servers(t, env)
	template := "regulars_template_" + migrationsHash(t)
	conn, err := open(t, nodes[0]).Conn(t.Context())
	if err != nil {
		t.Fatalf("reach the test server: %v", err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), `select pg_advisory_lock(7347828)`); err != nil {
		t.Fatal(err)
	}
	defer conn.ExecContext(context.Background(), `select pg_advisory_unlock(7347828)`)
	var ready bool
	if err := conn.QueryRowContext(t.Context(), `
		select exists (select 1 from pg_database where datname = $1 and not datallowconn)`, template).Scan(&ready); err != nil {
		t.Fatal(err)
	}
	if !ready {
		makeTemplate(t, nodes, template, env == "REGULARS_TEST_CITUS")
	}
	return newDatabase(t, nodes, template)
}

func makeTemplate(t testing.TB, nodes []string, template string, cluster bool) {
	t.Helper()
	for _, node := range nodes {
		run(t, node, `drop database if exists `+template+` with (force)`, `create database `+template+` template template0 encoding 'UTF8' locale 'C.UTF-8'`)
		if cluster {
			run(t, withDatabase(t, node, template), `create extension citus`)
		}
	}
	dsn := withDatabase(t, nodes[0], template)
	if cluster {
		run(t, dsn, join(t, "citus_set_coordinator_host", nodes[0]))
		for _, worker := range nodes[1:] {
			run(t, dsn, join(t, "citus_add_node", worker))
		}
	}
	db, err := store.Open(t.Context(), dsn, store.Options{Migrations: migrations.FS})
	if err != nil {
		t.Fatalf("migrate the template: %v", err)
	}
	db.Close()
	for _, node := range nodes { // a template that somebody has open cannot be copied
		run(t, node, `alter database `+template+` allow_connections false`,
			`select pg_terminate_backend(pid) from pg_stat_activity where datname = '`+template+`'`)
	}
}

// Grown makes a database of the cluster's coordinator as a single PostgreSQL
// had it, without Citus; cluster adds Citus and the other machines to it, as
// its owner would when it has grown.
func Grown(t testing.TB) (dsn string, cluster func()) {
	t.Helper()
	nodes := servers(t, "REGULARS_TEST_CITUS")
	dsn = newDatabase(t, nodes, "template0")
	name := dsn[strings.LastIndex(dsn, "/")+1:]
	name, _, _ = strings.Cut(name, "?")
	return dsn, func() {
		for _, node := range nodes {
			run(t, withDatabase(t, node, name), `create extension citus`)
		}
		run(t, dsn, join(t, "citus_set_coordinator_host", nodes[0]))
		for _, worker := range nodes[1:] {
			run(t, dsn, join(t, "citus_add_node", worker))
		}
	}
}

// join is the call by which a coordinator learns of a machine.
func join(t testing.TB, call, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`select %s('%s', %s)`, call, u.Hostname(), u.Port())
}

func run(t testing.TB, dsn string, statements ...string) {
	t.Helper()
	db := open(t, dsn)
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

var databases atomic.Int64

func newDatabase(t testing.TB, nodes []string, template string) string {
	t.Helper()
	name := fmt.Sprintf("regulars_test_%d_%d", os.Getpid(), databases.Add(1))
	for _, node := range nodes {
		run(t, node, `create database `+name+` template `+template+` encoding 'UTF8' locale 'C.UTF-8'`)
		t.Cleanup(func() {
			if db, err := sql.Open("pgx", node); err == nil {
				defer db.Close()
				db.Exec(`drop database if exists ` + name + ` with (force)`)
			}
		})
	}
	return withDatabase(t, nodes[0], name)
}

func open(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func withDatabase(t testing.TB, dsn, name string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func migrationsHash(t testing.TB) string {
	t.Helper()
	files, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	for _, f := range files {
		body, err := migrations.FS.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		h.Write([]byte(f + "\n" + strings.TrimSpace(string(body))))
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
