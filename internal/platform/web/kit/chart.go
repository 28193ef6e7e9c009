package kit

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"unicode/utf8"
)

// Chart is a line or bar chart over periods, drawn on the server, with its
// numbers in a table beneath. Colours, dashes and marks differ, so that it is
// readable without colour.
type Chart struct {
	ID     string
	Title  string
	Desc   string   // one sentence on what it shows, for screen readers
	Period string   // heading of the table's first column: "Month"
	Labels []string // of the periods, in order
	Series []Series
	Bars   bool // stacked bars instead of lines
	// Running marks the last period as not over yet.
	Running bool
	// Fit lets the axis of lines begin above zero, for rates that change
	// little.
	Fit    bool
	Axis   func(float64) string // writes a number at the axis
	Export string               // address of the numbers; may be empty
	Empty  string               // said when there are no periods
}

// Series is one line, or one colour of the bars. Values that are NaN are
// gaps.
type Series struct {
	Name   string
	Values []float64
	Texts  []string // the values as written in the table and at the pointer
	Guess  bool     // a forecast or a comparison: drawn dashed
}

// The plot in pixels from the top; its width is whatever the page gives. The
// drawing is stretched to it, while text and dots, placed by per cent, are not.
const (
	chartHeight = 260
	plotTop     = 18
	plotBottom  = 222
)

// SVG draws the chart. Its text is as high at 360 pixels as at 1280.
func (c Chart) SVG() template.HTML {
	var b strings.Builder
	low, high, step := c.scale()
	y := func(v float64) float64 { return plotBottom - (v-low)/(high-low)*(plotBottom-plotTop) }
	esc := template.HTMLEscapeString
	widest := 0
	for v := low; v <= high+step/2; v += step {
		widest = max(widest, utf8.RuneCountInString(c.Axis(v)))
	}
	room := 14 + 7*widest // digits are nearly 7 pixels wide
	fmt.Fprintf(&b, `<svg class="plot-axis" width="%d" height="%d" aria-hidden="true" focusable="false">`, room, chartHeight)
	for v := low; v <= high+step/2; v += step {
		fmt.Fprintf(&b, `<text class="axis axis-y" x="%d" y="%.1f">%s</text>`, room-8, y(v)+4, esc(c.Axis(v)))
	}
	b.WriteString(`</svg>`)
	fmt.Fprintf(&b, `<svg class="plot" width="100%%" height="%d" role="img" aria-labelledby="%s-t %s-d"><title id="%s-t">%s</title><desc id="%s-d">%s</desc>`,
		chartHeight, esc(c.ID), esc(c.ID), esc(c.ID), esc(c.Title), esc(c.ID), esc(c.Desc))
	fmt.Fprintf(&b, `<svg viewBox="0 0 1000 %d" preserveAspectRatio="none" width="100%%" height="%d">`, chartHeight, chartHeight)
	for v := low; v <= high+step/2; v += step {
		fmt.Fprintf(&b, `<path class="gridline%s" d="M0 %.1fH1000"/>`, zeroClass(v), y(v))
	}
	if c.Bars {
		c.bars(&b, y)
	} else {
		c.lines(&b, y)
	}
	b.WriteString(`<path class="guide" d="M0 0"/></svg>`)
	if !c.Bars {
		c.dots(&b, y)
	}
	c.periods(&b)
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

func zeroClass(v float64) string {
	if math.Abs(v) < 1e-12 {
		return " zero"
	}
	return ""
}

// X is the place of a period, in thousandths of the width.
func (c Chart) X(i int) float64 { return (float64(i) + 0.5) / float64(len(c.Labels)) * 1000 }

func (c Chart) lines(b *strings.Builder, y func(float64) float64) {
	for n, s := range c.Series {
		solid, open := "", ""
		pen := "M"
		for i, v := range s.Values {
			if i >= len(c.Labels) {
				break
			}
			if math.IsNaN(v) || math.IsInf(v, 0) {
				pen = "M"
				continue
			}
			at := fmt.Sprintf("%.1f %.1f", c.X(i), y(v))
			if c.Running && i == len(c.Labels)-1 && pen == "L" {
				open = fmt.Sprintf("M%.1f %.1fL%s", c.X(i-1), y(s.Values[i-1]), at)
				continue
			}
			solid += pen + at
			pen = "L"
		}
		class := fmt.Sprintf("line line-%d", n%6)
		if s.Guess {
			class += " guess"
		}
		if len(c.Series) == 1 && !s.Guess && strings.Count(solid, "M") == 1 && strings.Contains(solid, "L") {
			from, to := c.X(0), c.X(strings.Count(solid, "L"))
			if !math.IsNaN(s.Values[0]) {
				fmt.Fprintf(b, `<path class="area" d="%sL%.1f %dL%.1f %dZ"/>`, solid, to, plotBottom, from, plotBottom)
			}
		}
		fmt.Fprintf(b, `<path class="%s" d="%s"/>`, class, solid)
		if open != "" {
			fmt.Fprintf(b, `<path class="%s open" d="%s"/>`, class, open)
		}
	}
}

// dots marks each value when there are few, and the last one always.
func (c Chart) dots(b *strings.Builder, y func(float64) float64) {
	for n, s := range c.Series {
		for i, v := range s.Values {
			last := i == len(c.Labels)-1
			if i >= len(c.Labels) || math.IsNaN(v) || math.IsInf(v, 0) || len(c.Labels) > 16 && !last {
				continue
			}
			class := ""
			if last && c.Running {
				class = " hollow"
			}
			fmt.Fprintf(b, `<circle class="dot dot-%d%s" cx="%.2f%%" cy="%.1f" r="3.5"/>`, n%6, class, c.X(i)/10, y(v))
		}
	}
}

func (c Chart) bars(b *strings.Builder, y func(float64) float64) {
	width := 1000 / float64(max(len(c.Labels), 1)) * 0.66
	for i := range c.Labels {
		up, down := 0.0, 0.0
		for n, s := range c.Series {
			if i >= len(s.Values) || math.IsNaN(s.Values[i]) || s.Values[i] == 0 {
				continue
			}
			from := &up
			if s.Values[i] < 0 {
				from = &down
			}
			top, bottom := y(max(*from, *from+s.Values[i])), y(min(*from, *from+s.Values[i]))
			*from += s.Values[i]
			class := ""
			if c.Running && i == len(c.Labels)-1 {
				class = " open"
			}
			fmt.Fprintf(b, `<path class="bar bar-%d%s" d="M%.1f %.1fh%.1fV%.1fh-%.1fZ"/>`, n%6, class, c.X(i)-width/2, top, width, bottom, width)
		}
	}
}

// periods writes the labels at the bottom: at most about eight, and fewer on
// a narrow page, where those marked "spare" are hidden.
func (c Chart) periods(b *strings.Builder) {
	every := max(1, (len(c.Labels)+7)/8)
	for i, label := range c.Labels {
		if i%every != 0 {
			continue
		}
		class := ""
		if i/every%2 == 1 && len(c.Labels)/every > 3 {
			class = " spare"
		}
		fmt.Fprintf(b, `<text class="axis axis-x%s" x="%.2f%%" y="%d">%s</text>`, class, c.X(i)/10, chartHeight-14, template.HTMLEscapeString(label))
	}
}

// scale finds round ends and steps that hold all values, and zero unless the
// chart fits.
func (c Chart) scale() (low, high, step float64) {
	low, high = c.ends()
	if high == low {
		high = low + 1
	}
	rough := (high - low) / 4
	size := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		if step = m * size; step >= rough {
			break
		}
	}
	return math.Floor(low/step) * step, math.Ceil(high/step) * step, step
}

// ends are the least and the greatest value drawn.
func (c Chart) ends() (low, high float64) {
	if c.Fit && !c.Bars {
		low, high = math.Inf(1), math.Inf(-1)
	}
	for i := range c.Labels {
		up, down := 0.0, 0.0
		for _, s := range c.Series {
			if i >= len(s.Values) || math.IsNaN(s.Values[i]) || math.IsInf(s.Values[i], 0) {
				continue
			}
			v := s.Values[i]
			if !c.Bars {
				low, high = min(low, v), max(high, v)
				continue
			}
			if v > 0 {
				up += v
			} else {
				down += v
			}
		}
		if c.Bars || !c.Fit {
			low, high = min(low, down), max(high, up)
		}
	}
	if low > high {
		return 0, 0
	}
	return low, high
}

// Spark is a tiny line of recent values for beside a figure; it says nothing
// to a screen reader, as the figure does.
func Spark(values []float64) template.HTML {
	if len(values) < 2 {
		return ""
	}
	low, high := values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	if high == low {
		high++
	}
	var d strings.Builder
	for i, v := range values {
		pen := "L"
		if i == 0 {
			pen = "M"
		}
		fmt.Fprintf(&d, "%s%.1f %.1f", pen, float64(i)/float64(len(values)-1)*100, 29-(v-low)/(high-low)*26)
	}
	return template.HTML(`<svg class="spark" viewBox="0 0 100 32" preserveAspectRatio="none" aria-hidden="true" focusable="false"><path class="area" d="` +
		d.String() + `L100 32L0 32Z"/><path class="line line-0" d="` + d.String() + `"/></svg>`)
}

// Heat is a table whose cells are coloured by how much they hold: cohorts by
// month, or recency by frequency.
type Heat struct {
	ID      string
	Caption string
	Corner  string // heading of the rows
	Columns []string
	Rows    []HeatRow
	Square  bool   // few large cells, as in the RFM map
	Across  string // what the columns are; may be empty
	Low     string // ends of the scale beneath: "0 %", "60 %"
	High    string
	Export  string
}

// HeatRow is one row; Note is a second heading, such as the cohort's size.
type HeatRow struct {
	Head  string
	Note  string
	Cells []HeatCell
	Sum   bool // of all rows: set apart beneath them
}

// HeatCell is one cell. Level runs from 0 (nothing) to 10; -1 is an empty
// cell outside the data.
type HeatCell struct {
	Text  string
	Small string // beneath the text, in square tables
	Level int
	Open  bool   // of a period that is not over yet
	Href  string // may be empty
}

// LevelOf returns the cell level of v when most is the greatest; nothing is 0
// and anything more at least 1.
func LevelOf(v, most float64) int {
	if !(v > 0) || !(most > 0) {
		return 0
	}
	return min(10, max(1, int(math.Ceil(v/most*10))))
}

// Ranking is a list of shares, longest first: products, countries, a funnel.
type Ranking struct {
	Label string
	Rows  []Ranked
}

// Ranked is one line; Share is 0 to 1 of the longest.
type Ranked struct {
	Text  string
	Href  string
	Value string
	Share float64
}

// Width is the bar's length for the svg.
func (r Ranked) Width() string { return fmt.Sprintf("%.1f%%", min(1, max(0, r.Share))*100) }
