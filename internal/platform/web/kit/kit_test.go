package kit

import (
	"html/template"
	"math"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

const hostile = `<script>alert(1)</script>" onload='x' &`

func TestTextInDrawnComponentsStaysText(t *testing.T) {
	chart := Chart{
		ID: `x"><b>`, Title: hostile, Desc: hostile, Labels: []string{hostile, hostile},
		Series: []Series{{Name: hostile, Values: []float64{1, 2}}}, Axis: func(float64) string { return hostile },
	}
	for name, drawn := range map[string]string{
		"badge": string(Badge(Tone(hostile), hostile)), "avatar": string(Avatar(hostile)), "lines": string(chart.SVG()),
		"bars": string(func() Chart { c := chart; c.Bars = true; return c }().SVG()), "spark": string(Spark([]float64{1, math.NaN(), 3})),
	} {
		node, err := html.Parse(strings.NewReader(drawn))
		if err != nil {
			t.Fatal(err)
		}
		var walk func(*html.Node)
		walk = func(n *html.Node) {
			for _, a := range n.Attr {
				if n.Data == "script" || n.Data == "b" || strings.HasPrefix(a.Key, "on") || a.Key == "style" {
					t.Errorf("%s: <%s %s>", name, n.Data, a.Key)
				}
			}
			if n.Type == html.ElementNode && (n.Data == "script" || n.Data == "b") {
				t.Errorf("%s: <%s>", name, n.Data)
			}
			for c := n.FirstChild; c != nil; c = c.NextSibling {
				walk(c)
			}
		}
		walk(node)
	}
}

func TestInitialsAreOfTheFirstAndTheLastName(t *testing.T) {
	for name, want := range map[string]string{
		"Ana Dvořáková": "AD", "frank van dijk": "FD", "김민준": "김", "Дарья Орлова": "ДО", "Élodie": "É", "": "?", "  - ": "?", "O'Neil": "ON", "7Eleven": "7",
	} {
		if got := initials(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if first, again := Avatar("Ana"), Avatar("Ana"); first != again {
		t.Error("the same name has two faces")
	}
}

func TestAxesHaveRoundEndsThatHoldEveryValue(t *testing.T) {
	for _, c := range []struct {
		values          []float64
		bars, fit       bool
		low, high, step float64
	}{
		{values: []float64{3, 97}, high: 100, step: 25},
		{values: []float64{78, 90}, fit: true, low: 75, high: 90, step: 5},
		{values: []float64{78, 90}, high: 100, step: 25},
		{values: []float64{-5, 5}, low: -5, high: 5, step: 2.5},
		{values: []float64{0, 0}, high: 1, step: 0.25},
		{values: []float64{7, 7}, fit: true, low: 7, high: 8, step: 0.25},
		{values: []float64{math.NaN(), math.Inf(1)}, high: 1, step: 0.25},
		{values: []float64{math.NaN(), math.NaN()}, fit: true, high: 1, step: 0.25},
		{values: []float64{1e9, 4e12}, high: 4e12, step: 1e12},
	} {
		chart := Chart{Labels: []string{"a", "b"}, Series: []Series{{Values: c.values}}, Bars: c.bars, Fit: c.fit}
		if low, high, step := chart.scale(); low != c.low || high != c.high || step != c.step {
			t.Errorf("%v: %v to %v by %v, want %v to %v by %v", c.values, low, high, step, c.low, c.high, c.step)
		}
	}
	stacked := Chart{Bars: true, Labels: []string{"a"}, Series: []Series{{Values: []float64{60}}, {Values: []float64{30}}, {Values: []float64{-10}}}}
	if low, high, _ := stacked.scale(); low != -25 || high != 100 {
		t.Errorf("stacked: %v to %v", low, high)
	}
}

func TestAChartDrawsGapsAndAnUnfinishedPeriod(t *testing.T) {
	chart := Chart{ID: "c", Labels: []string{"a", "b", "c", "d", "e"}, Running: true, Axis: func(v float64) string { return strconv.Itoa(int(v)) },
		Series: []Series{{Values: []float64{1, math.NaN(), 2, 3, 1}}}}
	svg := string(chart.SVG())
	if !strings.Contains(svg, `d="M100.0`) || !strings.Contains(svg, `M500.0`) || strings.Contains(svg, "NaN") {
		t.Errorf("the gap: %s", svg)
	}
	if !strings.Contains(svg, `class="line line-0 open" d="M700.0`) || strings.Count(svg, "hollow") != 1 {
		t.Errorf("the last period: %s", svg)
	}
	short := Chart{ID: "c", Labels: []string{"a", "b"}, Axis: chart.Axis, Series: []Series{{Values: []float64{1, 2, 3, 4}}, {Values: nil}}}
	if svg := string(short.SVG()); strings.Count(svg, "<circle") != 2 {
		t.Errorf("more values than periods: %s", svg)
	}
}

func TestHeatLevelsRunFromNothingToTheMost(t *testing.T) {
	for _, c := range []struct {
		v, most float64
		want    int
	}{{0, 10, 0}, {0.001, 10, 1}, {5, 10, 5}, {10, 10, 10}, {11, 10, 10}, {1, 0, 0}, {math.NaN(), 1, 0}, {-1, 10, 0}} {
		if got := LevelOf(c.v, c.most); got != c.want {
			t.Errorf("LevelOf(%v, %v) = %d, want %d", c.v, c.most, got, c.want)
		}
	}
}

// The rows as a template would write them.
var rowsByTemplate = template.Must(template.New("").Parse(`{{$t := .}}{{range .Rows}}{{$row := .}}
  <tr{{if .Href}} data-href="{{.Href}}"{{end}}{{with .Tone}} class="row-{{.}}"{{end}}>{{range $i, $cell := .Cells}}{{$col := index $t.Columns $i}}{{if eq $i 0}}<th scope="row"{{if $col.Number}} class="num"{{end}}>{{if $row.Href}}<a href="{{$row.Href}}">{{$cell}}</a>{{else}}{{$cell}}{{end}}</th>{{else}}<td{{if $col.Number}} class="num"{{end}} data-title="{{$col.Title}}">{{$cell}}</td>{{end}}{{end}}</tr>{{end}}`))

var heatByTemplate = template.Must(template.New("").Parse(`{{range .Rows}}<tr{{if .Sum}} class="sum"{{end}}><th scope="row">{{.Head}}{{with .Note}} <small>{{.}}</small>{{end}}</th>{{range .Cells}}{{if lt .Level 0}}<td class="none"></td>{{else}}<td class="lv{{.Level}}{{if .Open}} open{{end}}">{{if .Href}}<a href="{{.Href}}">{{.Text}}</a>{{else}}{{.Text}}{{end}}{{with .Small}}<small>{{.}}</small>{{end}}</td>{{end}}{{end}}</tr>{{end}}`))

func TestRowsSayWhatATemplateWouldAndNoMore(t *testing.T) {
	nasty := []string{"Ana", `"><script>alert(1)</script>`, "it's <b>&amp; \"so\"", "a+b", "\x00\u2028", "{{.}}", "' onclick='x"}
	table := Table{Columns: []Column{{Title: "Name"}, {Title: `Spend "all" <i>`, Number: true}, {Title: "Plain"}}}
	for i, text := range nasty {
		table.Rows = append(table.Rows,
			Row{Href: "/customers/" + url.PathEscape(text) + "?q=" + url.QueryEscape(text), Tone: Tone(text), Cells: []any{text, i, template.HTML("<b>safe</b>")}},
			Row{Cells: []any{Badge(Bad, text), text, Tone(text)}})
	}
	heat := Heat{}
	for level, text := range nasty {
		heat.Rows = append(heat.Rows, HeatRow{Head: text, Note: text, Sum: level%2 == 0, Cells: []HeatCell{{Level: -1, Text: text}, {Level: level, Text: text},
			{Level: 10, Text: text, Small: text, Open: true, Href: "/insights/cohorts?q=" + url.QueryEscape(text)}}}, HeatRow{Head: "plain"})
	}
	parsed := func(rows string) string {
		tree, err := html.Parse(strings.NewReader("<table>" + rows + "</table>"))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := html.Render(&b, tree); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for _, c := range []struct {
		drawn    template.HTML
		template *template.Template
		data     any
	}{{table.Body(), rowsByTemplate, table}, {heat.Body(), heatByTemplate, heat}} {
		var want strings.Builder
		if err := c.template.Execute(&want, c.data); err != nil {
			t.Fatal(err)
		}
		if got, want := parsed(string(c.drawn)), parsed(want.String()); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	elsewhere := Table{Columns: table.Columns[:1], Rows: []Row{{Href: "javascript:alert(1)", Cells: []any{"x"}}, {Href: "//evil.example", Cells: []any{"x"}}}}
	if body := string(elsewhere.Body()); strings.Contains(body, "javascript") || strings.Contains(body, "evil") {
		t.Errorf("a row leads elsewhere: %s", body)
	}
}

func TestLinksOfAListKeepTheRestOfTheAddress(t *testing.T) {
	query := url.Values{"q": {"ana & co"}, "sort": {"name"}, "after": {"x"}, "col": {"a", "b"}}
	table := Table{Path: "/customers", Query: query, Sort: "name", Next: "y"}
	filter := Filter{Path: "/customers", Query: query, Keep: []string{"sort"}, Range: &Range{}}
	for _, c := range [][2]string{
		{table.SortHref("name"), "/customers?col=a&col=b&desc=1&q=ana+%26+co&sort=name"},
		{table.SortHref("spent"), "/customers?col=a&col=b&q=ana+%26+co&sort=spent"},
		{table.NextHref(), "/customers?after=y&col=a&col=b&q=ana+%26+co&sort=name"},
		{table.FirstHref(), "/customers?col=a&col=b&q=ana+%26+co&sort=name"},
		{filter.Without("q"), "/customers?col=a&col=b&sort=name"},
		{filter.Cleared(), "/customers?sort=name"},
		{filter.PresetHref(Preset{From: "2026-01-01", To: "2026-01-31"}), "/customers?col=a&col=b&from=2026-01-01&q=ana+%26+co&sort=name&to=2026-01-31"},
		{With("/x", nil, "a", ""), "/x"},
	} {
		if c[0] != c[1] {
			t.Errorf("%s, want %s", c[0], c[1])
		}
	}
	table.Desc = true
	if table.SortHref("name") != "/customers?col=a&col=b&q=ana+%26+co&sort=name" || table.SortState("name") != "descending" || table.SortState("x") != "" {
		t.Error("sorting does not turn")
	}
	if len(query) != 4 || query.Get("after") != "x" {
		t.Error("the query itself was changed")
	}
}
