package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReportNeedsNoDatabaseAndSaysItInEveryForm(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	orders := "order,date,customer,total\n1,2024-05-01,ann,10\n2,2024-06-01,ann,12.50\n3,2024-06-02,bob,8\n"
	if err := os.WriteFile("orders.csv", []byte(orders), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	code := run([]string{"report", "orders.csv", "--json", "--html", "report.html", "--csv", "tables", "--today", "2024-07-01", "--currency", "GBP"}, &out, &errOut)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errOut.String())
	}
	var said struct {
		Customers int64  `json:"customers"`
		Revenue   int64  `json:"revenue_minor"`
		Currency  string `json:"currency"`
	}
	if err := json.Unmarshal(out.Bytes(), &said); err != nil || said.Customers != 2 || said.Revenue != 3050 || said.Currency != "GBP" {
		t.Errorf("%+v, %v", said, err)
	}
	for _, file := range []string{"report.html", "tables/customers.csv", "tables/cohorts.csv"} {
		if info, err := os.Stat(filepath.FromSlash(file)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", file, err)
		}
	}
	if _, err := os.Stat("regulars.db"); err == nil {
		t.Error("a database was made")
	}
}

func TestReportEndsWithTheCodeOfWhatHappened(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, c := range map[string]struct {
		file string
		code int
		says string
	}{
		"partly": {"order,date,customer,total\n1,2024-05-01,ann,10\n2,soon,ann,10\n", exitPartly, ""},
		"no use": {"colour,size\nred,1\n", exitInvalid, "--map date=COLUMN"},
	} {
		if err := os.WriteFile("orders.csv", []byte(c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errOut bytes.Buffer
		if code := run([]string{"report", "orders.csv"}, &out, &errOut); code != c.code || !strings.Contains(errOut.String(), c.says) {
			t.Errorf("%s: exit %d, %s", name, code, errOut.String())
		}
	}
}
