package kit

import (
	"html/template"
	"net/url"
	"strings"
)

// Table is a list of things: sortable, with columns to choose, pages and
// export. Links keep whatever else is in the address, so a list as it stands
// can be saved and sent.
type Table struct {
	ID      string
	Caption string // what the rows are, for screen readers
	Columns []Column
	Rows    []Row
	Empty   Empty

	Path   string     // address of the page, complete
	Query  url.Values // of the address as asked for
	Sort   string     // key of the column sorted by
	Desc   bool
	Next   string   // cursor of the next page; empty: this is the last
	First  bool     // whether this is the first page
	Total  string   // such as "4,372 customers"; may be empty
	Export string   // address of the list as a file; may be empty
	All    []Column // every column there is, if they can be chosen
	Dense  bool
}

// Column is a column of a table.
type Column struct {
	Key      string
	Title    string
	Number   bool // right-aligned, with digits of one width
	Sortable bool
	Explain  string // shown with the title; may be empty
	Shown    bool   // of All: whether it is chosen
}

// Row is one thing.
type Row struct {
	Href  string // where its first cell leads, beginning with /; may be empty
	Cells []any  // text or template.HTML, one a column
	Tone  Tone
}

// Body is the rows as HTML. It is written here and not in the template since a
// list has hundreds of cells: those were a quarter of what a page cost.
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

func attribute(b []byte, name, value string) []byte {
	b = append(append(append(b, ' '), name...), `="`...)
	return append(append(b, template.HTMLEscapeString(value)...), '"')
}

// address is a row's address if it leads to a page of ours, as all do.
func address(href string) string {
	if !strings.HasPrefix(href, "/") || strings.HasPrefix(href, "//") {
		return "#"
	}
	return href
}

// SortHref is the address that sorts by a column, or turns its direction.
func (t Table) SortHref(key string) string {
	desc := ""
	if t.Sort == key && !t.Desc {
		desc = "1"
	}
	return t.with("sort", key, "desc", desc, "after", "")
}

// SortState is the column's aria-sort.
func (t Table) SortState(key string) string {
	switch {
	case t.Sort != key:
		return ""
	case t.Desc:
		return "descending"
	}
	return "ascending"
}

// NextHref is the address of the next page.
func (t Table) NextHref() string { return t.with("after", t.Next) }

// FirstHref is the address of the first page.
func (t Table) FirstHref() string { return t.with("after", "") }

// Kept are the values of the address that a form on the table sends along.
func (t Table) Kept(except ...string) []Option {
	return kept(t.Query, append(except, "after")...)
}

func (t Table) with(pairs ...string) string { return With(t.Path, t.Query, pairs...) }

// With is path with the query changed by names and values in turn; an empty
// value takes the name out.
func With(path string, query url.Values, pairs ...string) string {
	q := url.Values{}
	for name, values := range query {
		q[name] = values
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}
