package app

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"regulars/internal/doors/backup"
	"regulars/internal/platform/errs"
	"regulars/internal/testkit"
)

// postgresTools puts pg_dump and pg_restore into the path, where they are.
func postgresTools(t *testing.T) {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	for _, dir := range found {
		t.Setenv("PATH", os.Getenv("PATH")+":"+dir)
	}
	if _, err := exec.LookPath("pg_restore"); err != nil {
		t.Fatal("pg_restore is not installed (on Debian: apt-get install postgresql-client); make test installs it with the server")
	}
}

func TestADumpOfPostgreSQLIsProvedByRestoringIt(t *testing.T) {
	c := Config{DB: testkit.DSN(t, "postgres"), Key: "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="}
	postgresTools(t)
	made := people(t, c, "anna", "berta")
	dump := filepath.Join(t.TempDir(), "shop.dump")
	if said, err := exec.Command("pg_dump", "--format=custom", "--file="+dump, c.DB).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	scratch := testkit.Empty(t, "postgres")
	rows, err := CheckDump(t.Context(), c, dump, scratch)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Name == "customers" && (r.Restored != 2 || r.Now != 2) {
			t.Errorf("%+v", r)
		}
	}
	if _, err := CheckDump(t.Context(), c, dump, scratch); !errs.Is(err, errs.Conflict) {
		t.Errorf("into a database that is not empty: %v", err)
	}
	body, err := os.ReadFile(dump)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dump, body[:len(body)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := CheckDump(t.Context(), c, dump, testkit.Empty(t, "postgres")); !errs.Is(err, errs.Invalid) {
		t.Errorf("a dump that was cut off: %v", err)
	}
	if _, err := Back(t.Context(), c, "", backup.Key{}); !errs.Is(err, errs.Invalid) {
		t.Errorf("regulars backup on PostgreSQL: %v", err)
	}
	eraseInScratch(t, c, scratch, made[0].String())
}

// eraseInScratch applies a list of erasures to the restored dump.
func eraseInScratch(t *testing.T, c Config, scratch, customer string) {
	t.Helper()
	list := filepath.Join(t.TempDir(), "list.jsonl")
	if err := os.WriteFile(list, []byte(`{"customer":"`+customer+`","erased_at":"2026-03-01T00:00:00Z"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	restored := c
	restored.DB = scratch
	a := opened(t, restored)
	defer a.Close()
	if done, err := AfterRestore(t.Context(), a, list); err != nil || done.Erased != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	var left int
	if err := a.DB.QueryRow(t.Context(), `select count(*) from customers where name <> ''`).Scan(&left); err != nil || left != 1 {
		t.Errorf("%d have a name, %v", left, err)
	}
}
