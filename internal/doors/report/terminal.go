package report

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/width"

	"regulars/internal/platform/text"
	"regulars/internal/platform/web/kit"
)

// Screen is where a paper is shown as text.
type Screen struct {
	Width  int  // in columns
	Colour bool // ANSI colours and bold
}

// Text writes a paper for a terminal, or for a file of text.
func Text(out io.Writer, paper *Paper, on Screen) error {
	if on.Width < 40 {
		on.Width = 100
	}
	t := &terminal{Screen: on, w: bufio.NewWriter(out)}
	t.heading(paper.Title, "")
	t.words(paper.Lead, "")
	for _, s := range paper.Sections {
		t.section(s)
	}
	if len(paper.Notes) > 0 {
		t.line("")
		for _, n := range paper.Notes {
			t.note(n)
		}
	}
	if paper.Foot != "" {
		t.line("")
		t.words(paper.Foot, dim)
	}
	return t.w.Flush()
}

const (
	bold  = "\x1b[1m"
	dim   = "\x1b[2m"
	warn  = "\x1b[33m"
	blue  = "\x1b[36m"
	amber = "\x1b[33m"
	reset = "\x1b[0m"
)

type terminal struct {
	Screen
	w *bufio.Writer
}

// paint colours a text where there are colours.
func (t *terminal) paint(colour, s string) string {
	if !t.Colour || colour == "" || s == "" {
		return s
	}
	return colour + s + reset
}

func (t *terminal) line(s string) { fmt.Fprintln(t.w, strings.TrimRight(s, " ")) }

func (t *terminal) heading(s, before string) {
	t.line(before + t.paint(bold, s))
}

// words writes a text in lines of the screen's width.
func (t *terminal) words(s, colour string) {
	if s == "" {
		return
	}
	line := ""
	for _, w := range strings.Fields(safe(s)) {
		if line != "" && columns(line)+1+columns(w) > t.Width {
			t.line(t.paint(colour, line))
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += w
	}
	t.line(t.paint(colour, line))
}

func (t *terminal) note(n Note) {
	colour := ""
	if n.Tone == kit.Warn || n.Tone == kit.Bad {
		colour = warn
	}
	t.words("• "+n.Text, colour)
}

func (t *terminal) section(s Section) {
	t.line("")
	t.heading(s.Title, "")
	t.words(s.Lead, "")
	t.stats(s.Stats)
	for _, n := range s.Notes {
		t.note(n)
	}
	for _, c := range s.Charts {
		t.chart(c)
	}
	for _, h := range s.Heats {
		t.heat(h)
	}
	for _, table := range s.Tables {
		t.table(table)
	}
	t.words(s.How, dim)
}

func (t *terminal) stats(all []kit.Stat) {
	label, value := 0, 0
	for _, s := range all {
		label, value = max(label, columns(s.Label)), max(value, columns(s.Value))
	}
	for _, s := range all {
		t.line("  " + pad(s.Label, label) + "  " + t.paint(bold, padLeft(s.Value, value)) + "  " + t.paint(dim, s.Note))
	}
}

// shownPeriods is how many lines a chart takes at most: the latest.
const shownPeriods = 26

// chart draws each period as a bar of its own.
func (t *terminal) chart(c kit.Chart) {
	if len(c.Labels) == 0 {
		return
	}
	t.line("")
	t.line("  " + c.Title + t.keys(c.Series))
	from := max(0, len(c.Labels)-shownPeriods-1)
	label, number, top := 0, 0, 0.0
	for i := from; i < len(c.Labels); i++ {
		label = max(label, columns(c.Labels[i]))
		sum, texts := 0.0, 0
		for _, s := range c.Series {
			sum += max(0, zero(s.Values[i]))
			texts += columns(s.Texts[i]) + 1
		}
		number, top = max(number, texts), max(top, sum)
	}
	room := float64(t.Width - label - number - 6)
	for i := from; i < len(c.Labels); i++ {
		var bars strings.Builder
		var texts []string
		for n, s := range c.Series {
			length := 0
			if top > 0 {
				length = int(math.Round(max(0, zero(s.Values[i])) / top * room))
			}
			bars.WriteString(t.paint(seriesColour[n%2], strings.Repeat(seriesSign[n%2], length)))
			texts = append(texts, s.Texts[i])
		}
		t.line("  " + pad(c.Labels[i], label) + " " + padLeft(strings.Join(texts, " "), number-1) + " " + bars.String())
	}
}

var (
	seriesColour = [2]string{blue, amber}
	seriesSign   = [2]string{"█", "▒"}
)

func (t *terminal) keys(all []kit.Series) string {
	if len(all) < 2 {
		return ""
	}
	var b strings.Builder
	for n, s := range all {
		b.WriteString("   " + t.paint(seriesColour[n%2], seriesSign[n%2]) + " " + s.Name)
	}
	return b.String()
}

func zero(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}

// shades are backgrounds of the 256 colours by level, with ink that can be
// read on them.
var shades = [11]string{"", "\x1b[48;5;194m\x1b[30m", "\x1b[48;5;158m\x1b[30m", "\x1b[48;5;157m\x1b[30m", "\x1b[48;5;121m\x1b[30m",
	"\x1b[48;5;120m\x1b[30m", "\x1b[48;5;84m\x1b[30m", "\x1b[48;5;78m\x1b[30m", "\x1b[48;5;29m\x1b[97m", "\x1b[48;5;23m\x1b[97m", "\x1b[48;5;22m\x1b[97m"}

// heat writes as many columns of a table of cells as there is room for.
func (t *terminal) heat(h kit.Heat) {
	head, cell := columns(h.Corner), 0
	for _, r := range h.Rows {
		head = max(head, columns(r.Head+" "+r.Note))
		for _, c := range r.Cells {
			cell = max(cell, columns(c.Text))
		}
	}
	most := min(len(h.Columns), (t.Width-head-2)/(cell+1))
	t.line("")
	t.line("  " + h.Caption)
	line := "  " + pad(h.Corner, head)
	for _, c := range h.Columns[:most] {
		line += " " + padLeft(c, cell)
	}
	t.line(t.paint(dim, line))
	for _, r := range h.Rows {
		line := "  " + pad(r.Head, head-columns(r.Note)-1) + " " + t.paint(dim, r.Note)
		for _, c := range r.Cells[:min(most, len(r.Cells))] {
			shade := ""
			if c.Level >= 0 {
				shade = shades[c.Level]
			}
			line += " " + t.paint(shade, padLeft(c.Text, cell))
		}
		t.line(line)
	}
}

func (t *terminal) table(k kit.Table) {
	widths := make([]int, len(k.Columns))
	for i, c := range k.Columns {
		widths[i] = columns(c.Title)
	}
	for _, r := range k.Rows {
		for i, c := range r.Cells {
			widths[i] = max(widths[i], min(60, columns(safe(fmt.Sprint(c)))))
		}
	}
	t.line("")
	t.line("  " + k.Caption)
	write := func(cells []string, colour string) {
		line := " "
		for i, c := range cells {
			if c = safe(c); k.Columns[i].Number {
				line += " " + padLeft(c, widths[i])
			} else {
				line += " " + pad(c, widths[i])
			}
			line += " "
		}
		t.line(t.paint(colour, line))
	}
	heads := make([]string, len(k.Columns))
	for i, c := range k.Columns {
		heads[i] = c.Title
	}
	write(heads, dim)
	for _, r := range k.Rows {
		cells := make([]string, len(r.Cells))
		for i, c := range r.Cells {
			cells[i] = fmt.Sprint(c)
		}
		write(cells, "")
	}
}

// safe takes out what would steer a terminal: a file's ids are shown.
func safe(s string) string { return text.Line(s) }

// columns is how many places of a terminal a text takes.
func columns(s string) int {
	n := utf8.RuneCountInString(s)
	for _, r := range s {
		if r > 0x1100 {
			if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
				n++
			}
		}
	}
	return n
}

func pad(s string, n int) string     { return s + strings.Repeat(" ", max(0, n-columns(s))) }
func padLeft(s string, n int) string { return strings.Repeat(" ", max(0, n-columns(s))) + s }
