package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// referencePage lists the operations by noun.
type referencePage struct {
	Tabs   kit.Tabs
	Filter kit.Filter
	Groups []referenceGroup
	Base   string
	Total  string
}

type referenceGroup struct {
	Title      string
	Operations []rest.Operation
}

func (d *Door) reference(w http.ResponseWriter, r *web.Request) error {
	q := r.URL.Query()
	typed := strings.ToLower(strings.TrimSpace(q.Get("q")))
	p := referencePage{Tabs: tabs(r, "/api"), Base: r.Href(rest.Base),
		Filter: kit.Filter{Path: r.Href("/api"), Query: q, Search: r.T("api.reference.search"), Target: "results"}}
	n := 0
	for _, op := range d.rest.Operations {
		if !strings.Contains(strings.ToLower(op.Pattern+" "+op.Name+" "+op.Summary+" "+string(op.Scope)), typed) {
			continue
		}
		n++
		title := r.T("api.area." + noun(op))
		at := slices.IndexFunc(p.Groups, func(g referenceGroup) bool { return g.Title == title })
		if at < 0 {
			at = len(p.Groups)
			p.Groups = append(p.Groups, referenceGroup{Title: title})
		}
		p.Groups[at].Operations = append(p.Groups[at].Operations, op)
	}
	p.Total = r.Print.N("api.reference.total", n)
	return r.Render(w, "api/reference.html", p)
}

func noun(op rest.Operation) string {
	if op.Scope == "" {
		return "key"
	}
	noun, _, _ := strings.Cut(string(op.Scope), ":")
	return noun
}

// operationPage is one operation, with a form that tries it.
type operationPage struct {
	Op     rest.Operation
	Tabs   kit.Tabs
	Href   string // with its places in braces
	Inputs []input
	Body   string // an example of what it is sent; empty: nothing is
	Kind   string // of the body
	Fields []property
	Gets   []property
	Writes bool
}

// input is a parameter.
type input struct {
	Name, In, Text, Default string
	Must                    bool
	Choices                 []string
}

// property is a field of a body, with its place below others.
type property struct {
	Name, Type, Text string
	Must             bool
	Depth            int
}

func (d *Door) operation(w http.ResponseWriter, r *web.Request) error {
	at := slices.IndexFunc(d.rest.Operations, func(op rest.Operation) bool { return op.Name == r.PathValue("operation") })
	if at < 0 {
		return errs.Missing("web.error.address")
	}
	op := d.rest.Operations[at]
	described := d.rest.Described(op.Name)
	p := operationPage{Op: op, Tabs: tabs(r, ""), Href: r.Href(rest.Base) + op.Path(), Writes: op.Writes()}
	for _, param := range described.Parameters {
		i := input{Name: param.Name, In: param.In, Text: param.Description, Must: param.Required}
		if s := param.Schema; s != nil {
			if s.Default != nil {
				i.Default = plain(s.Default)
			}
			for _, e := range s.Enum {
				i.Choices = append(i.Choices, plain(e))
			}
			if i.Text == "" {
				i.Text = s.Description
			}
		}
		p.Inputs = append(p.Inputs, i)
	}
	schemas := d.rest.Document.Components.Schemas
	if described.RequestBody != nil {
		for kind, media := range described.RequestBody.Content {
			p.Kind = kind
			if media.Schema == nil { // a file
				continue
			}
			example, err := json.MarshalIndent(sample(schemas, media.Schema, 0), "", "  ")
			if err != nil {
				return err
			}
			p.Body = string(example)
			p.Fields = properties(schemas, media.Schema, 0)
		}
	}
	for status, answer := range described.Responses {
		if status[0] != '2' {
			continue
		}
		for _, media := range answer.Content {
			p.Gets = properties(schemas, media.Schema, 0)
		}
		for i := range p.Gets {
			p.Gets[i].Must = false // of an answer it says nothing
		}
	}
	return r.Render(w, "api/operation.html", p)
}

func plain(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// deepest is how far into a body the reference shows it.
const deepest = 3

func resolved(all huma.Registry, s *huma.Schema) *huma.Schema {
	if s != nil && s.Ref != "" {
		return all.SchemaFromRef(s.Ref)
	}
	return s
}

// properties are the fields of a schema, each followed by those below it.
func properties(all huma.Registry, s *huma.Schema, depth int) (list []property) {
	s = resolved(all, s)
	if s == nil || depth > deepest {
		return nil
	}
	if s.Type == huma.TypeArray {
		return properties(all, s.Items, depth)
	}
	for _, name := range sorted(s) {
		f := s.Properties[name]
		full := resolved(all, f)
		if full == nil {
			continue
		}
		p := property{Name: name, Type: typeName(all, full), Text: f.Description, Must: slices.Contains(s.Required, name), Depth: depth}
		if p.Text == "" {
			p.Text = full.Description
		}
		list = append(append(list, p), properties(all, full, depth+1)...)
	}
	return list
}

// sorted are the names of a schema's fields, those that must be sent first.
func sorted(s *huma.Schema) []string {
	var names []string
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if must := slices.Contains(s.Required, a); must != slices.Contains(s.Required, b) {
			return map[bool]int{true: -1, false: 1}[must]
		}
		return strings.Compare(a, b)
	})
	return names
}

func typeName(all huma.Registry, s *huma.Schema) string {
	switch {
	case s.Type == huma.TypeArray:
		return "[" + typeName(all, resolved(all, s.Items)) + "]"
	case len(s.Enum) > 0:
		var words []string
		for _, e := range s.Enum {
			words = append(words, plain(e))
		}
		return strings.Join(words, " | ")
	case s.Format != "" && s.Type == huma.TypeString:
		return s.Format
	}
	return s.Type
}

// sample is an example of what a schema describes.
func sample(all huma.Registry, s *huma.Schema, depth int) any {
	s = resolved(all, s)
	if s == nil || depth > deepest {
		return nil
	}
	switch {
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Default != nil:
		return s.Default
	case len(s.Enum) > 0:
		return s.Enum[0]
	}
	switch s.Type {
	case huma.TypeObject:
		o := map[string]any{}
		for name, f := range s.Properties {
			if must := slices.Contains(s.Required, name); must || depth == 0 && resolved(all, f).Type != huma.TypeArray && len(resolved(all, f).Examples) > 0 {
				o[name] = sample(all, f, depth+1)
			}
		}
		return o
	case huma.TypeArray:
		return []any{sample(all, s.Items, depth+1)}
	case huma.TypeInteger, huma.TypeNumber:
		return 1
	case huma.TypeBoolean:
		return true
	}
	switch s.Format {
	case "date":
		return "2026-03-31"
	case "date-time":
		return "2026-03-31T09:30:00Z"
	}
	return ""
}
