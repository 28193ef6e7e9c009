// Package kit holds the components that pages are made of: Go structs that
// say what is shown, and templates of the same names that say how.
//
// Its one rule: a component knows no module and no request; whoever makes it
// gives it text that is already in the person's language, and addresses that
// are already complete.
//
// A page shows a component with {{template "kit/table" .Table}}. All of them
// stand on /dev/kit with fake data.
package kit

import (
	"embed"
	"hash/fnv"
	"html/template"
	"strings"
	"unicode"
)

// Files are the components' templates, parsed into every page.
//
//go:embed *.html
var Files embed.FS

// Tone colours a badge, alert or tile. Colour is never the only sign.
type Tone string

// The tones.
const (
	Plain  Tone = "plain"
	Accent Tone = "accent"
	Good   Tone = "good"
	Warn   Tone = "warn"
	Bad    Tone = "bad"
)

// Badge is a small label: {{badge "good" (t "orders.paid")}}.
func Badge(tone Tone, text string) template.HTML {
	switch tone {
	case Accent, Good, Warn, Bad:
	default:
		tone = Plain
	}
	return template.HTML(`<span class="pill pill-` + string(tone) + `">` + template.HTMLEscapeString(text) + `</span>`)
}

// Avatar is a person's initials on one of eight colours, which stay the same
// for the same name. The name itself must stand beside it.
func Avatar(name string) template.HTML {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return template.HTML(`<span class="face face-` + string(rune('0'+h.Sum32()%8)) + `" aria-hidden="true">` +
		template.HTMLEscapeString(initials(name)) + `</span>`)
}

// initials are the first letters of the first and the last word; one letter
// of scripts that have no capitals.
func initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(words) == 0 {
		return "?"
	}
	first := []rune(words[0])[0]
	if len(words) == 1 || unicode.Is(unicode.Hangul, first) || unicode.Is(unicode.Han, first) {
		return string(unicode.ToUpper(first))
	}
	return string(unicode.ToUpper(first)) + string(unicode.ToUpper([]rune(words[len(words)-1])[0]))
}

// Link is an address with its text.
type Link struct {
	Href string
	Text string
	Icon string // may be empty
}

// Button is a link that looks like a button (Href) or, within a form, a button
// that posts it.
type Button struct {
	Text  string
	Href  string // empty: type=submit
	Icon  string
	Kind  string // "primary", "danger", "quiet"; empty: the usual one
	Name  string // of a submit button, with Value
	Value string
}

// Stat is a tile with one figure.
type Stat struct {
	Label   string
	Value   string
	Note    string // beneath, such as "of 4,372 customers"
	Change  string // such as "+3.1 points"
	Tone    Tone   // of the change
	Explain string // how it is computed, shown on request; may be empty
	Href    string // where the figure leads
	Icon    string
	Recent  []float64 // drawn as a small line; may be nil
}

// Alert is a message within a page.
type Alert struct {
	Tone   Tone
	Title  string
	Text   string
	Action Link // may be zero
}

// Empty teaches what a page is for when it has nothing to show.
type Empty struct {
	Icon   string
	Title  string
	Text   string
	Action Link // may be zero
}

// Tab is one of several views of a thing, each with its own address.
type Tab struct {
	Link
	Count  string // may be empty
	Active bool
}

// Tabs is a row of tabs; Label says what they divide.
type Tabs struct {
	Label string
	Tabs  []Tab
}

// Term is a line of a definition list; Value is text or template.HTML.
type Term struct {
	Name  string
	Value any
}

// Moment is an entry of a timeline list.
type Moment struct {
	Icon   string
	Tone   Tone
	Title  any    // text or template.HTML
	Text   string // may be empty
	When   string // "9 Dec 2011, 14:05"
	ISO    string // the same for machines
	Href   string // may be empty
	Detail any    // more, shown on request; may be nil
}

// Timeline is moments under the heading of their day or month.
type Timeline struct {
	Label  string
	Groups []MomentGroup
	Older  string // address of the next page; may be empty
}

// MomentGroup is the moments of one day or month.
type MomentGroup struct {
	Title   string
	Moments []Moment
}

// Progress shows how far a job is. While Poll is set the page asks that
// address for a new one every second; the answer is the kit/progress template.
type Progress struct {
	ID      string
	Label   string
	Percent int // 0 to 100
	Note    string
	Poll    string
}

// Dialog is a window opened by its button; Body is the content.
type Dialog struct {
	ID     string
	Open   Button // its text and look; Href is not used
	Title  string
	Body   template.HTML
	Action string // address the form within posts to; empty: no form
	Submit Button
}

// Step is one of several in a row.
type Step struct {
	Text  string
	Href  string // may be empty
	State string // "done", "now" or "next"
}

// Steps shows where in a sequence the person is.
type Steps struct {
	Label string
	Steps []Step
}
