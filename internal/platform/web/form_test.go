package web_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/export"
	"regulars/internal/platform/web"
)

// typed returns what read makes of a form with the field x, and the sentence
// that the field is then shown with.
func typed(t *testing.T, language, value string, read func(f *web.Form) any) (got any, wrong string) {
	t.Helper()
	s := serve(t, func(c *web.Config) {
		c.Routes = append(c.Routes, web.Route{Pattern: "POST /typed", Role: web.Public, Handler: func(_ http.ResponseWriter, r *web.Request) error {
			f, err := r.ReadForm()
			if err != nil {
				return err
			}
			got, wrong = read(f), f.ErrorOf("x")
			return nil
		}})
	})
	if w := s.do("POST", "/typed", "", url.Values{"x": {value}}.Encode(), "Accept-Language", language); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return got, wrong
}

func TestMoneyIsReadAsPeopleOfEachLanguageWriteIt(t *testing.T) {
	for _, c := range []struct {
		language, typed string
		minor           int64
		wrong           bool
	}{
		{"en", "1,234.50", 123450, false}, {"en", "1234.5", 123450, false}, {"en", "1,234", 123400, false},
		{"en", "1,50", 150, false}, {"en", "0.99", 99, false}, {"en", "", 0, false}, {"en", ".5", 50, false},
		{"cs", "1 234,50", 123450, false}, {"cs", "1.234,50", 123450, false}, {"cs", "1\u00a0234", 123400, false},
		{"cs", "1.234", 123400, false}, {"en", "1.234", 0, true}, {"en", "-5", 0, true}, {"en", "five", 0, true},
		{"en", "1e3", 0, true}, {"en", "99999999999999999999", 0, true}, {"en", "1.5.", 0, true}, {"en", "1,23.50", 0, true}, {"en", "12,3456,000", 0, true}, {"en", "92233720368547758.08", 0, true},
	} {
		got, wrong := typed(t, c.language, c.typed, func(f *web.Form) any { return f.Money("x", "GBP").Minor })
		if got != c.minor || (wrong != "") != c.wrong {
			t.Errorf("%s %q: %v, %q", c.language, c.typed, got, wrong)
		}
	}
}

func TestFieldsAreCleanedAndBounded(t *testing.T) {
	for name, c := range map[string]struct {
		typed string
		read  func(f *web.Form) any
		want  any
		wrong string
	}{
		"text is one line":         {" a\r\n  b\x00 ", func(f *web.Form) any { return f.Text("x", 9) }, "a b", ""},
		"letters count, not bytes": {"žžžžž", func(f *web.Form) any { return f.Text("x", 5) }, "žžžžž", ""},
		"too long":                 {"123456", func(f *web.Form) any { return f.Text("x", 5) }, "123456", "at most 5 characters; there are 6"},
		"blank is not filled in":   {"  ", func(f *web.Form) any { return f.Need("x", 5) }, "", "fill this in"},
		"an area keeps its lines":  {"a\r\nb", func(f *web.Form) any { return f.Area("x", 9) }, "a\nb", ""},
		"email":                    {"ana@example.com", func(f *web.Form) any { return f.Email("x") }, "ana@example.com", ""},
		"no email":                 {"Ana <ana@example.com>", func(f *web.Form) any { return f.Email("x") }, "Ana <ana@example.com>", "such as ana@example.com"},
		"email without a domain":   {"ana@example", func(f *web.Form) any { return f.Email("x") }, "ana@example", "such as"},
		"int":                      {"1,000", func(f *web.Form) any { return f.Int("x", 1, 2000) }, 1000, ""},
		"int out of bounds":        {"2001", func(f *web.Form) any { return f.Int("x", 1, 2000) }, 1, "from 1 to 2,000"},
		"decimal":                  {"2.5", func(f *web.Form) any { return f.Decimal("x", 0, 9.5) }, 2.5, ""},
		"decimal that is none":     {"NaN", func(f *web.Form) any { return f.Decimal("x", 0, 9.5) }, 0.0, "from 0 to 9.5"},
		"day":                      {"2024-02-29", func(f *web.Form) any { return f.Day("x") }, "2024-02-29", ""},
		"a day that is none":       {"2023-02-29", func(f *web.Form) any { return f.Day("x") }, "", "date that exists"},
		"choice":                   {"b", func(f *web.Form) any { return f.Choice("x", "a", "b") }, "b", ""},
		"no choice":                {"c", func(f *web.Form) any { return f.Choice("x", "a", "b") }, "a", "one of the values"},
	} {
		got, wrong := typed(t, "en", c.typed, c.read)
		if got != c.want || !strings.Contains(wrong, c.wrong) || c.wrong == "" && wrong != "" {
			t.Errorf("%s: %#v, %q", name, got, wrong)
		}
	}
}

func TestTheErrorOfAVerbStandsBesideItsField(t *testing.T) {
	internal := errors.New("disk full")
	_, wrong := typed(t, "en", "gold", func(f *web.Form) any {
		if err := f.Take(fmt.Errorf("save: %w", errs.Wrong("x", "demo.tier"))); err != nil {
			t.Error(err)
		}
		if err := f.Take(internal); !errors.Is(err, internal) {
			t.Errorf("an internal error became %v", err)
		}
		if f.OK() {
			t.Error("the form counts as good")
		}
		return nil
	})
	if wrong != "This tier exists already." {
		t.Errorf("%q", wrong)
	}
}

// upload posts fields and a file and returns what the handler saw.
func upload(t *testing.T, fields map[string]string, file string) (status int, seen string) {
	t.Helper()
	s := serve(t, func(c *web.Config) {
		c.Routes = append(c.Routes, web.Route{Pattern: "POST /upload", Role: web.Public, MaxBody: 3 << 20, Handler: func(w http.ResponseWriter, r *web.Request) error {
			f, part, err := r.ReadUpload(w, "file")
			if err != nil {
				return err
			}
			seen = f.Text("kind", 20)
			if part != nil {
				n, err := io.Copy(io.Discard, part)
				if err != nil {
					return err
				}
				seen += fmt.Sprintf(" %s %d", part.FileName(), n)
			}
			return nil
		}})
	})
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for name, value := range fields {
		_ = m.WriteField(name, value)
	}
	if file != "" {
		part, _ := m.CreateFormFile("file", "orders.csv")
		_, _ = io.WriteString(part, file)
	}
	_ = m.Close()
	r := httptest.NewRequest("POST", "/upload", &body)
	r.Header.Set("Content-Type", m.FormDataContentType())
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, seen
}

func TestAFileIsReadAsAStreamWithTheFieldsBeforeIt(t *testing.T) {
	if status, seen := upload(t, map[string]string{"kind": "uci"}, strings.Repeat("a,b\n", 500_000)); status != 200 || seen != "uci orders.csv 2000000" {
		t.Errorf("%d %q", status, seen)
	}
	if status, seen := upload(t, map[string]string{"kind": "uci"}, ""); status != 200 || seen != "uci" {
		t.Errorf("no file: %d %q", status, seen)
	}
	if status, _ := upload(t, nil, strings.Repeat("a,b\n", 1_000_000)); status != 413 {
		t.Errorf("larger than the route takes: %d", status)
	}
	many := map[string]string{}
	for i := range 101 {
		many[fmt.Sprint("field", i)] = "x"
	}
	if status, _ := upload(t, many, "a"); status != 413 {
		t.Errorf("a hundred fields: %d", status)
	}
}

func exporting(t *testing.T, rows iter.Seq2[[]string, error]) (body string, err error) {
	t.Helper()
	s := serve(t, func(c *web.Config) {
		c.Routes = append(c.Routes, web.Route{Pattern: "GET /export", Role: web.Public, Handler: func(w http.ResponseWriter, r *web.Request) error {
			return r.Export(w, "customers", export.Columns(export.Text, "Name", "Spent"), rows)
		}})
	})
	server := httptest.NewServer(s)
	defer server.Close()
	resp, err := http.Get(server.URL + "/export")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return fmt.Sprint(resp.StatusCode, " ", string(b)), err
}

func TestAnExportHoldsNoFormulas(t *testing.T) {
	got, err := exporting(t, func(yield func([]string, error) bool) {
		_ = yield([]string{"=HYPERLINK(1)", "-12.50"}, nil) && yield([]string{"@x", "+1-2"}, nil) && yield([]string{"-cmd", ""}, nil)
	})
	if err != nil || got != "200 \ufeffName,Spent\n'=HYPERLINK(1),-12.50\n'@x,+1-2\n'-cmd,\n" {
		t.Errorf("%q %v", got, err)
	}
	if got, err := exporting(t, func(func([]string, error) bool) {}); err != nil || got != "200 \ufeffName,Spent\n" {
		t.Errorf("without rows: %q %v", got, err)
	}
}

func TestHalfAnExportIsNeverTakenForAWholeOne(t *testing.T) {
	if got, err := exporting(t, func(yield func([]string, error) bool) {
		_ = yield([]string{"Ana", "1"}, nil) && yield(nil, errors.New("lost"))
	}); err == nil {
		t.Errorf("the download looked complete: %q", got)
	}
	if got, err := exporting(t, func(yield func([]string, error) bool) { yield(nil, errors.New("lost")) }); err != nil || !strings.HasPrefix(got, "500 ") {
		t.Errorf("an error before the first row: %q %v", got, err)
	}
}
