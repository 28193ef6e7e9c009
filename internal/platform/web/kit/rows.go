package kit

import (
	"html/template"
	"strconv"
	"strings"
)

// The rows of lists and heat maps are written here and not in the templates:
// they have hundreds and thousands of cells, which were a quarter of what a list
// cost and half of what cohorts did.

// Body is the rows as HTML.
func (t Table) Body() template.HTML {
	b := make([]byte, 0, 256*len(t.Rows))
	for _, row := range t.Rows {
		b = append(b, "\n  <tr"...)
		if row.Href != "" {
			b = attribute(b, "data-href", address(row.Href))
		}
		if row.Tone != "" {
			b = attribute(b, "class", "row-"+string(row.Tone))
		}
		b = append(b, '>')
		for i, cell := range row.Cells {
			b = t.cell(b, row, i, cell)
		}
		b = append(b, "</tr>"...)
	}
	return template.HTML(b)
}

// cell is one cell; the first names the row and leads to it.
func (t Table) cell(b []byte, row Row, i int, cell any) []byte {
	name, column := "td", t.Columns[i]
	if i == 0 {
		name = "th"
	}
	b = append(append(b, '<'), name...)
	if i == 0 {
		b = append(b, ` scope="row"`...)
	}
	if column.Number {
		b = append(b, ` class="num"`...)
	}
	if i > 0 {
		b = attribute(b, "data-title", column.Title)
	}
	b = append(b, '>')
	linked := i == 0 && row.Href != ""
	if linked {
		b = append(attribute(append(b, "<a"...), "href", address(row.Href)), '>')
	}
	if safe, ok := cell.(template.HTML); ok {
		b = append(b, safe...)
	} else {
		b = append(b, template.HTMLEscaper(cell)...)
	}
	if linked {
		b = append(b, "</a>"...)
	}
	return append(append(append(b, "</"...), name...), '>')
}

// Body is the rows as HTML.
func (h Heat) Body() template.HTML {
	b := make([]byte, 0, 32*len(h.Rows)*(2+len(h.Columns)))
	for _, row := range h.Rows {
		b = append(b, "<tr"...)
		if row.Sum {
			b = append(b, ` class="sum"`...)
		}
		b = text(append(b, `><th scope="row">`...), row.Head)
		if row.Note != "" {
			b = append(text(append(b, " <small>"...), row.Note), "</small>"...)
		}
		b = append(b, "</th>"...)
		for _, c := range row.Cells {
			b = c.cell(b)
		}
		b = append(b, "</tr>"...)
	}
	return template.HTML(b)
}

func (c HeatCell) cell(b []byte) []byte {
	if c.Level < 0 {
		return append(b, `<td class="none"></td>`...)
	}
	b = strconv.AppendInt(append(b, `<td class="lv`...), int64(c.Level), 10)
	if c.Open {
		b = append(b, " open"...)
	}
	b = append(b, `">`...)
	if c.Href != "" {
		b = append(attribute(append(b, "<a"...), "href", address(c.Href)), '>')
		b = append(text(b, c.Text), "</a>"...)
	} else {
		b = text(b, c.Text)
	}
	if c.Small != "" {
		b = append(text(append(b, "<small>"...), c.Small), "</small>"...)
	}
	return append(b, "</td>"...)
}

func text(b []byte, s string) []byte { return append(b, template.HTMLEscapeString(s)...) }

func attribute(b []byte, name, value string) []byte {
	b = append(append(append(b, ' '), name...), `="`...)
	return append(text(b, value), '"')
}

// address is a row's address if it leads to a page of ours, as all do.
func address(href string) string {
	if !strings.HasPrefix(href, "/") || strings.HasPrefix(href, "//") {
		return "#"
	}
	return href
}
