package kit

import (
	"net/url"
	"slices"
	"sort"
)

// Filter is the bar above a list: a GET form whose fields are in the address.
type Filter struct {
	Path    string // address of the page, complete
	Query   url.Values
	Search  string   // label of the free text field "q"; empty: none
	Fields  []Field  // selects and inputs beside it
	More    []Field  // those less asked for, behind a button
	Range   *Range   // a range of days; may be nil
	Active  []Chip   // what is filtered by now
	Keep    []string // names in the address that the form sends along: "sort"
	Target  string   // id of the block that htmx replaces; empty: whole page
	Results string   // "312 customers", read out when it changes
}

// Range is a choice of days with presets.
type Range struct {
	Label    string // of what; may be empty
	From, To string // YYYY-MM-DD; names "from" and "to" in the address
	Presets  []Preset
}

// Preset is a range with a name, such as "last month".
type Preset struct {
	Text, From, To string
}

// Chip is an active filter that can be taken away; Name is its name in the
// address.
type Chip struct {
	Text string
	Name string
}

// Value is what stands in the address under name.
func (f Filter) Value(name string) string { return f.Query.Get(name) }

// Without is the address with one filter taken away.
func (f Filter) Without(name string) string {
	if name == "range" {
		return With(f.Path, f.Query, "from", "", "to", "", "after", "")
	}
	return With(f.Path, f.Query, name, "", "after", "")
}

// Cleared is the address without any filter.
func (f Filter) Cleared() string {
	q := url.Values{}
	for _, name := range f.Keep {
		if v, ok := f.Query[name]; ok {
			q[name] = v
		}
	}
	return With(f.Path, q)
}

// MoreUsed reports whether one of More is filtered by.
func (f Filter) MoreUsed() bool {
	return slices.ContainsFunc(f.More, func(field Field) bool { return field.Value != "" })
}

// PresetHref is the address with the preset's range.
func (f Filter) PresetHref(p Preset) string {
	return With(f.Path, f.Query, "from", p.From, "to", p.To, "after", "")
}

// PresetActive reports whether the range is the preset's.
func (f Filter) PresetActive(p Preset) bool { return f.Range.From == p.From && f.Range.To == p.To }

// Kept are the values that the form sends along unseen.
func (f Filter) Kept() []Option {
	var all []Option
	for _, name := range f.Keep {
		for _, v := range f.Query[name] {
			all = append(all, Option{name, v})
		}
	}
	return all
}

// kept are all values of a query except some names, in stable order.
func kept(query url.Values, except ...string) []Option {
	var all []Option
	for name, values := range query {
		if slices.Contains(except, name) {
			continue
		}
		for _, v := range values {
			all = append(all, Option{name, v})
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Value < all[j].Value })
	return all
}
