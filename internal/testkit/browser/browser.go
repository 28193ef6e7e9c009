// Package browser drives a real headless Chromium against a handler.
//
// Its one rule: one browser a test binary; each test gets a tab of its own
// and a server of its own.
package browser

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe.js
var axe string

// The sizes every page is looked at in.
const (
	Narrow = 360
	Wide   = 1280
)

// patience is how long one step may take on a busy machine.
const patience = 30 * time.Second

var shared struct {
	once sync.Once
	ctx  context.Context
	err  error
}

// errMissing says that this machine has no Chromium.
var errMissing = errors.New("no chromium on this machine")

func start() (context.Context, error) {
	shared.once.Do(func() {
		path := os.Getenv("REGULARS_CHROMIUM")
		for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
			if path == "" {
				path, _ = exec.LookPath(name)
			}
		}
		if path == "" {
			shared.err = errMissing
			return
		}
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
			chromedp.DisableGPU, chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-dev-shm-usage", true))
		ctx, _ := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, _ = chromedp.NewContext(ctx)
		shared.ctx, shared.err = ctx, chromedp.Do(ctx, chromedp.Navigate("about:blank"))
	})
	return shared.ctx, shared.err
}

// Close ends the browser; call it at the end of TestMain.
func Close() {
	if shared.ctx != nil {
		_ = chromedp.Cancel(shared.ctx)
	}
}

// Main runs a package's tests and ends the browser after them:
//
//	func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }
func Main(m *testing.M) int {
	defer Close()
	return m.Run()
}

// Tab is a tab of the browser, at a server that serves the handler.
type Tab struct {
	t      testing.TB
	ctx    context.Context
	Server *httptest.Server

	mu     sync.Mutex
	errors []complaint
	pages  map[string]bool // addresses of pages the tab was at, as against what a page fetches
}

// complaint is a line of the browser's console and what it is about.
type complaint struct{ text, url string }

// Open starts a server for h and opens path in a tab of the given width; with
// an empty path, it is left to SignIn and Go.
// Theme is "light" or "dark", as the system of the person has it. It skips
// the test where Chromium is missing, unless REGULARS_BROWSER=must, and with
// -short.
func Open(t testing.TB, h http.Handler, path string, width int64, theme string) *Tab {
	t.Helper()
	if testing.Short() {
		t.Skip("browser tests are not short")
	}
	parent, err := start()
	if errors.Is(err, errMissing) && os.Getenv("REGULARS_BROWSER") != "must" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext()) // with cookies of its own
	t.Cleanup(cancel)
	tab := &Tab{t: t, ctx: ctx, Server: server, pages: map[string]bool{}}
	if err := chromedp.Do(ctx); err != nil { // a tab lives as long as its first call's context
		t.Fatalf("open a tab: %v", err)
	}
	tab.do(
		chromedp.EmulateViewport(width, 900),
		chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
			})
			return err
		}),
	)
	tab.listen()
	if path != "" {
		tab.Go(path)
	}
	return tab
}

// listen notes what the browser complains about: script errors, and whatever
// the content policy stopped.
func (tab *Tab) listen() {
	messages := chromedp.Console(tab.ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.Type == "error" || m.Type == chromedp.ConsoleException {
				tab.mu.Lock()
				tab.errors = append(tab.errors, complaint{m.Text, m.URL})
				tab.mu.Unlock()
			}
		}
	}()
}

// Errors returns what the browser complained about so far. That a page
// itself has an error's status is no complaint: tests ask for such pages, and
// the browser may say so only when the tab is at the next one.
func (tab *Tab) Errors() []string {
	tab.t.Helper()
	here := tab.Eval("location.href")
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.pages[here] = true
	var all []string
	for _, c := range tab.errors {
		if !tab.pages[c.url] || !strings.Contains(c.text, "the server responded with a status of") {
			all = append(all, c.text+" ("+c.url+")")
		}
	}
	return all
}

// SignIn keeps a session token for the server, as its cookie would; it takes
// effect with the next page.
func (tab *Tab) SignIn(token string) {
	tab.t.Helper()
	tab.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{
			Name: "regulars_session", Value: token, URL: tab.Server.URL, HTTPOnly: new(true),
		})
		return err
	}))
}

// Authenticator gives the tab a device that makes and shows passkeys, as one
// with a fingerprint that always fits.
func (tab *Tab) Authenticator() {
	tab.t.Helper()
	tab.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		if _, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		_, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: "ctap2", Transport: "internal", HasResidentKey: true, HasUserVerification: true,
			AutomaticPresenceSimulation: true, IsUserVerified: true,
		}})
		return err
	}))
}

// Go opens a path and waits for it.
func (tab *Tab) Go(path string) {
	tab.t.Helper()
	tab.mu.Lock()
	tab.pages[tab.Server.URL+path] = true
	tab.mu.Unlock()
	tab.do(chromedp.Navigate(tab.Server.URL + path))
	tab.Wait("body")
}

// Wait waits until an element is visible, for as long as one step may take.
func (tab *Tab) Wait(selector string) {
	tab.t.Helper()
	tab.do(chromedp.WaitVisible(chromedp.CSS(selector)))
}

// Click clicks an element.
func (tab *Tab) Click(selector string) {
	tab.t.Helper()
	tab.do(chromedp.Click(chromedp.CSS(selector)))
}

// Type types into a field, keeping what is there.
func (tab *Tab) Type(selector, text string) {
	tab.t.Helper()
	tab.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Press presses a key on the page, such as kb.Tab.
func (tab *Tab) Press(key string, options ...chromedp.KeyOption) {
	tab.t.Helper()
	tab.do(chromedp.KeyEvent(key, options...))
}

// Text returns an element's visible words.
func (tab *Tab) Text(selector string) string {
	tab.t.Helper()
	return run(tab, chromedp.Text(chromedp.CSS(selector)))
}

// Eval returns the value of a script as text.
func (tab *Tab) Eval(script string) string {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	for {
		v, err := chromedp.Run(ctx, chromedp.Evaluate[string]("String("+script+")", chromedp.EvalAwaitPromise))
		switch {
		case err == nil:
			return v
		case strings.Contains(err.Error(), "target navigated"): // the page was just leaving: the next one is asked
			time.Sleep(20 * time.Millisecond)
		default:
			tab.t.Fatalf("browser: %v", err)
		}
	}
}

// Await returns the text that a script's promise is kept with.
func (tab *Tab) Await(script string) string {
	tab.t.Helper()
	return run(tab, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
}

// Upload chooses files in a file field.
func (tab *Tab) Upload(selector string, files ...string) {
	tab.t.Helper()
	tab.do(chromedp.SetUploadFiles(chromedp.CSS(selector), files))
}

// Screenshot writes the whole page to a PNG file.
func (tab *Tab) Screenshot(file string) {
	tab.t.Helper()
	tab.Eval("scrollTo(0, 0)")
	if err := os.WriteFile(file, run(tab, chromedp.FullScreenshot(100)), 0o600); err != nil {
		tab.t.Fatal(err)
	}
}

// NoViolations fails the test for each thing that axe finds against WCAG 2.2
// AA or its best practices, except the rules named.
func (tab *Tab) NoViolations(except ...string) {
	tab.t.Helper()
	run(tab, chromedp.Evaluate[string](axe+";'ok'"))
	found := run(tab, chromedp.Evaluate[string](`axe.run().then(r => JSON.stringify(r.violations.map(v =>
		({ID: v.id, Help: v.help, Where: v.nodes.slice(0, 5).map(n => n.html.slice(0, 160) + " — " + n.failureSummary.slice(0, 240))}))))`, chromedp.EvalAwaitPromise))
	var violations []struct {
		ID, Help string
		Where    []string
	}
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		tab.t.Fatalf("axe answered %q: %v", found, err)
	}
	for _, v := range violations {
		if !slices.Contains(except, v.ID) {
			tab.t.Errorf("%s: %s\n\t%s", v.ID, v.Help, strings.Join(v.Where, "\n\t"))
		}
	}
}

// FitsWidth fails the test when the page can be scrolled sideways.
func (tab *Tab) FitsWidth() {
	tab.t.Helper()
	wide := tab.Eval(`[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 &&
		!e.closest(".table-wrap, .tabs, dialog, .side, .menu-body, svg")).slice(0, 5).map(e => e.tagName + "." + e.className).join(", ")`)
	if tab.Eval("document.documentElement.scrollWidth > innerWidth + 1") == "true" {
		tab.t.Errorf("the page is wider than the window: %s", wide)
	}
}

func (tab *Tab) do(steps ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tab.t.Fatalf("browser: %v", err)
	}
}

func run[T any](tab *Tab, action chromedp.Action[T]) T {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		tab.t.Fatalf("browser: %v", err)
	}
	return v
}
