package kit

import "net/url"

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
