package app

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"regulars/internal/doors/demo"
	"regulars/internal/platform/export"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/testkit"
	"regulars/internal/testkit/page"
)

// noFile are lists that are no list of their own, by the id of their table.
var noFile = map[string]string{
	"status":  "how things stand this minute; metrics are what keeps them",
	"buyers":  "the first buyers of one product: the customers' own list has everybody",
	"held":    "what the forecast is held against, explained on its page",
	"top":     "a few lines that explain one sum",
	"receipt": "downloaded as it was sealed",
	"told":    "a file that is about to be imported, as it was understood",
	"raw":     "the first lines of a file that is about to be imported",
}

// demoApp is the whole program over a small demo store, with a session of its
// owner.
func demoApp(t *testing.T, dsn string) (*App, http.Handler, string) {
	t.Helper()
	clock := testkit.NewClock(april())
	a, err := Open(t.Context(), Config{DB: dsn, Exclusive: true, Clock: clock.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	if _, err := demo.Make(t.Context(), a.DB, demo.Options{Customers: 150, Until: "2026-03-31", Tables: Tables()}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what waits a moment for more changes, too
		if err := a.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Minute)
	}
	h, err := a.Handler(t.Context(), ServeConfig{})
	if err != nil {
		t.Fatal(err)
	}
	owner, err := users.ByEmail(t.Context(), a.DB, demo.OwnerEmail)
	if err != nil {
		t.Fatal(err)
	}
	var token string
	testkit.Do(t, a.DB, func(tx *store.Tx) error {
		token, err = users.Start(t.Context(), tx, owner.ID, "test")
		return err
	})
	return a, h, token
}

// listPages are the addresses of all pages without a thing in their path, and
// of the first thing of each of their lists.
func listPages(t *testing.T, a *App, h http.Handler, token string) []string {
	t.Helper()
	var paths []string
	for _, r := range a.Modules.Routes {
		method, path, _ := strings.Cut(r.Pattern, " ")
		if method != http.MethodGet || strings.Contains(path, "{") || strings.HasSuffix(path, "/export") || r.AnyOrigin {
			continue
		}
		p := page.Do(t, h, httptest.NewRequest(http.MethodGet, path, nil), page.As(token))
		if p.Status != http.StatusOK {
			continue // leads elsewhere
		}
		paths = append(paths, path)
		if href := p.Attr(".list tbody th a", "href"); href != "" {
			paths = append(paths, href)
		}
	}
	return paths
}

func TestEveryListIsHadInAllThreeForms(t *testing.T) {
	a, h, token := demoApp(t, testkit.DSN(t, "sqlite"))
	for _, path := range listPages(t, a, h, token) { // asks for the figures, too
		page.Get(t, h, path, page.As(token))
	}
	if err := a.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen, lists := map[string]bool{}, 0
	for _, path := range listPages(t, a, h, token) {
		p := page.Get(t, h, path, page.As(token))
		for _, list := range p.Attrs(".list", "id") {
			if p.Attr("#"+list+" table", "class") == "" || noFile[list] != "" {
				continue
			}
			lists++
			links := p.Attrs("#"+list+" .export a", "href")
			if len(links) != len(export.Outputs) {
				t.Errorf("%s: the list %s cannot be exported: set Table.Export, and answer there with Request.Export", path, list)
				continue
			}
			if list == "audit" {
				continue // each file of the log leaves a line in it
			}
			if !seen[links[0]] {
				seen[links[0]] = true
				holdEqual(t, h, token, links)
			}
		}
	}
	if lists < 12 {
		t.Errorf("only %d lists were found", lists)
	}
}

// holdEqual holds that a list has the same rows in every form.
func holdEqual(t *testing.T, h http.Handler, token string, links []string) {
	t.Helper()
	var counts []int
	for _, link := range links {
		p := page.Get(t, h, link, page.As(token)).HasStatus(http.StatusOK)
		var n int
		var err error
		switch {
		case strings.Contains(link, "format=csv"):
			var rows [][]string
			rows, err = csv.NewReader(strings.NewReader(strings.TrimPrefix(p.Body, "\ufeff"))).ReadAll()
			n = len(rows) - 1
		case strings.Contains(link, "format=xlsx"):
			n, err = sheetRows(t.Context(), p.Body)
		case strings.Contains(link, "format=jsonl"):
			for line := range strings.Lines(p.Body) {
				var row map[string]any
				err = errors.Join(err, json.Unmarshal([]byte(line), &row))
				n++
			}
		default:
			t.Errorf("%s: of no known form", link)
		}
		if err != nil {
			t.Errorf("%s: %v", link, err)
		}
		counts = append(counts, n)
	}
	if counts[0] == 0 || counts[0] != counts[1] || counts[0] != counts[2] {
		t.Errorf("%s: %v rows as CSV, XLSX and JSON Lines", links[0], counts)
	}
}

func sheetRows(ctx context.Context, body string) (n int, err error) {
	r, err := sheet.OpenFrom(ctx, strings.NewReader(body), int64(len(body)), sheet.Options{})
	if err != nil {
		return 0, err
	}
	defer r.Close()
	for {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, err
		}
		n++
	}
}

// askFor is the body of a page or file, whatever its status.
func askFor(t *testing.T, h http.Handler, path, token string) string {
	t.Helper()
	return page.Do(t, h, httptest.NewRequest(http.MethodGet, path, nil), page.As(token)).Body
}
