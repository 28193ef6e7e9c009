package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"regulars/internal/platform/secrets"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
	"regulars/internal/testkit/browser"
)

// The test's own program starts itself as a server or a worker, which can then
// be killed.
const (
	addrEnv = "REGULARS_TEST_ADDR"
	fileEnv = "REGULARS_TEST_FILE_LIMIT" // bytes that a file may grow to: a full disk
)

func TestMain(m *testing.M) {
	for _, kind := range []string{"serve", "work", "both"} {
		testkit.Child(kind, func(dsn string) error { return program(kind, dsn) })
	}
	for _, what := range []string{"backup", "restore"} {
		testkit.Child(what, func(db string) error { return runKilled(what, db) })
	}
	os.Exit(browser.Main(m))
}

func program(kind, dsn string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if limit, err := strconv.ParseUint(os.Getenv(fileEnv), 10, 64); err == nil {
		signal.Ignore(syscall.SIGXFSZ) // the write then fails, as on a full disk
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			return err
		}
	}
	a, err := Open(ctx, Config{DB: dsn, Key: testKey, Log: slog.New(slog.DiscardHandler), StopWithin: 5 * time.Second})
	if err != nil {
		return err
	}
	defer a.Close()
	if kind == "work" {
		return a.Work(ctx)
	}
	return a.Serve(ctx, ServeConfig{Addr: os.Getenv(addrEnv), Work: kind == "both", Out: io.Discard})
}

var testKey = secrets.Format([]byte(strings.Repeat("\x07", secrets.KeySize))) // that of testkit.Secrets

// running is a program that was started.
type running struct {
	*testkit.Process
	addr string
}

// start starts a program and waits until it answers.
func start(t testing.TB, kind, dsn string, env ...string) running {
	t.Helper()
	p := running{addr: freeAddr(t)}
	p.Process = testkit.StartChild(t, kind, dsn, append(env, addrEnv+"="+p.addr)...)
	if kind == "work" {
		return p
	}
	for range 600 {
		if res, err := http.Get("http://" + p.addr + "/readyz"); err == nil {
			res.Body.Close()
			return p
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("the program does not answer at %s", p.addr)
	return p
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// teller is a member of staff at a browser, who may turn to any server.
type teller struct{ *http.Client }

func newTeller(t testing.TB, db *store.DB) teller {
	t.Helper()
	password, err := users.NewPassword("coffee and cake 12")
	if err != nil {
		t.Fatal(err)
	}
	testkit.Do(t, db, func(tx *store.Tx) error {
		_, err := users.Add(t.Context(), tx, users.New{Name: "Ana Novak", Email: "ana@example.com", Role: web.Owner, Password: password})
		return err
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return teller{&http.Client{Jar: jar, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// signIn signs in by the form. Cookies do not know ports: all servers on this
// machine then get the session, as behind one proxy.
func (c teller) signIn(t testing.TB, addr string) {
	t.Helper()
	where, _, err := c.post(addr, "/sign-in", "email", "ana@example.com", "password", "coffee and cake 12")
	if err != nil || where != "/" {
		t.Fatalf("signing in leads to %q, %v", where, err)
	}
}

var errRefused = errors.New("refused")

// post sends a form and returns where it leads; anything but a redirect is
// errRefused, with the page.
func (c teller) post(addr, path string, fields ...string) (where, page string, err error) {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	res, err := c.PostForm("http://"+addr+path, form)
	if err != nil {
		return "", "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusSeeOther {
		err = fmt.Errorf("%w: %s", errRefused, res.Status)
	}
	return res.Header.Get("Location"), string(body), err
}

func (c teller) get(t testing.TB, addr, path string) string {
	t.Helper()
	res, err := c.Get("http://" + addr + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v", path, res.Status, err)
	}
	return string(body)
}

// newServer serves a handler within the test and returns its address.
func newServer(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}
