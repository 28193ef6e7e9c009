// Package page asserts on pages by CSS selector.
//
// Its one rule: a page that shows a missing message (⟦key⟧) fails its test,
// whatever the test was about.
package page

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"

	"regulars/internal/platform/web"
)

// Page is an answer, as parsed.
type Page struct {
	t      testing.TB
	Status int
	Header http.Header
	Body   string
	node   *html.Node
	where  string
}

// Option changes a request before it is sent.
type Option func(*http.Request)

// As signs the request in with a session token.
func As(token string) Option {
	return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "regulars_session", Value: token}) }
}

// Header sets a header, such as HX-Request or Accept-Language.
func Header(name, value string) Option {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// HTMX asks for the block called target, as htmx does.
func HTMX(target string) Option {
	return func(r *http.Request) {
		r.Header.Set("HX-Request", "true")
		r.Header.Set("HX-Target", target)
	}
}

// Cookies sends the cookies that an earlier answer set.
func (p *Page) Cookies() Option {
	return func(r *http.Request) {
		for _, c := range (&http.Response{Header: p.Header}).Cookies() {
			r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		}
	}
}

// Get asks for a page and expects status 200.
func Get(t testing.TB, h http.Handler, target string, options ...Option) *Page {
	t.Helper()
	p := Do(t, h, httptest.NewRequest(http.MethodGet, target, nil), options...)
	if p.Status != http.StatusOK {
		t.Fatalf("GET %s: status %d, want 200\n%s", target, p.Status, p.Text())
	}
	return p
}

// Post sends a form and returns the answer, whatever its status.
func Post(t testing.TB, h http.Handler, target string, form url.Values, options ...Option) *Page {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return Do(t, h, r, options...)
}

// Do sends any request and returns the answer, whatever its status.
func Do(t testing.TB, h http.Handler, r *http.Request, options ...Option) *Page {
	t.Helper()
	for _, o := range options {
		o(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	p := &Page{t: t, Status: w.Code, Header: w.Header(), Body: w.Body.String(), where: r.Method + " " + r.URL.Path}
	if i := strings.Index(p.Body, "⟦"); i >= 0 {
		t.Errorf("%s shows a missing message: %s", p.where, p.Body[i:min(len(p.Body), i+80)])
	}
	node, err := html.Parse(strings.NewReader(p.Body))
	if err != nil {
		t.Fatalf("%s: not HTML: %v", p.where, err)
	}
	p.node = node
	return p
}

// Redirects expects 303 to a path and returns the page for more.
func (p *Page) Redirects(to string) *Page {
	p.t.Helper()
	if got := p.Header.Get("Location"); p.Status != http.StatusSeeOther || got != to {
		p.t.Fatalf("%s: status %d to %q, want 303 to %q\n%s", p.where, p.Status, got, to, p.Text())
	}
	return p
}

// HasStatus expects a status.
func (p *Page) HasStatus(status int) *Page {
	p.t.Helper()
	if p.Status != status {
		p.t.Fatalf("%s: status %d, want %d\n%s", p.where, p.Status, status, p.Text())
	}
	return p
}

// Check is an expectation about one element.
type Check func(n *html.Node) string

// In expects that some element matches the selector and all checks.
func (p *Page) In(selector string, checks ...Check) *Page {
	p.t.Helper()
	nodes := p.find(selector)
	if len(nodes) == 0 {
		p.t.Errorf("%s: nothing matches %q", p.where, selector)
		return p
	}
	var last string
	for _, n := range nodes {
		last = ""
		for _, check := range checks {
			if last = check(n); last != "" {
				break
			}
		}
		if last == "" {
			return p
		}
	}
	p.t.Errorf("%s: none of %d × %q fits: %s", p.where, len(nodes), selector, last)
	return p
}

// Not expects that no element matches the selector.
func (p *Page) Not(selector string) *Page {
	p.t.Helper()
	if nodes := p.find(selector); len(nodes) > 0 {
		p.t.Errorf("%s: %q is there: %s", p.where, selector, textOf(nodes[0]))
	}
	return p
}

// Count expects n elements.
func (p *Page) Count(selector string, n int) *Page {
	p.t.Helper()
	if got := len(p.find(selector)); got != n {
		p.t.Errorf("%s: %d × %q, want %d", p.where, got, selector, n)
	}
	return p
}

// Text returns the words of the page, for messages and simple searches.
func (p *Page) Text() string { return textOf(p.node) }

// Texts returns the words of each element that matches, in order.
func (p *Page) Texts(selector string) []string {
	p.t.Helper()
	var all []string
	for _, n := range p.find(selector) {
		all = append(all, textOf(n))
	}
	return all
}

// Attr returns an attribute of the first element that matches, or "".
func (p *Page) Attr(selector, name string) string {
	p.t.Helper()
	for _, n := range p.find(selector) {
		return attr(n, name)
	}
	return ""
}

// Attrs returns an attribute of each element that matches, in order.
func (p *Page) Attrs(selector, name string) []string {
	p.t.Helper()
	var all []string
	for _, n := range p.find(selector) {
		all = append(all, attr(n, name))
	}
	return all
}

func (p *Page) find(selector string) []*html.Node {
	p.t.Helper()
	s, err := cascadia.ParseGroup(selector)
	if err != nil {
		p.t.Fatalf("selector %q: %v", selector, err)
	}
	return cascadia.QueryAll(p.node, s)
}

// HasText expects the element's words to contain text.
func HasText(text string) Check {
	return func(n *html.Node) string {
		if got := textOf(n); !strings.Contains(got, text) {
			return "it says " + quote(got) + ", want " + quote(text)
		}
		return ""
	}
}

// HasAttr expects an attribute's value.
func HasAttr(name, value string) Check {
	return func(n *html.Node) string {
		if got := attr(n, name); got != value {
			return name + " is " + quote(got) + ", want " + quote(value)
		}
		return ""
	}
}

func quote(s string) string { return "“" + s + "”" }

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// textOf is the element's words with single spaces, no-break spaces counted
// as spaces, scripts left out.
func textOf(n *html.Node) string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
		if n.Type == html.ElementNode && (n.Data == "script" || n.Data == "style") {
			return
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		if n.Type == html.ElementNode && n.Data != "span" && n.Data != "a" && n.Data != "strong" && n.Data != "small" {
			b.WriteByte(' ')
		}
	}
	walk(n)
	return strings.Join(strings.Fields(strings.ReplaceAll(b.String(), "\u00a0", " ")), " ")
}

// Places are the lines of a module that is tested alone, with a line for each
// page of another module that its pages stand under.
func Places(own []web.Place) []web.Place {
	all := slices.Clone(own)
	for _, p := range own {
		if p.Under != "" && !slices.ContainsFunc(all, func(a web.Place) bool { return a.Href == p.Under }) {
			all = append(all, web.Place{Key: p.Key, Href: p.Under, Icon: p.Icon, Role: web.Viewer})
		}
	}
	return all
}
