package app

import (
	"encoding"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"regulars/internal/doors/webhooks"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/money"
	"regulars/internal/testkit"
)

// schema is a JSON Schema, its keys in the order in which they are read.
type schema struct {
	Dialect     string     `json:"$schema,omitempty"`
	ID          string     `json:"$id,omitempty"`
	Title       string     `json:"title,omitempty"`
	Description string     `json:"description,omitempty"`
	Type        string     `json:"type,omitempty"`
	Const       any        `json:"const,omitempty"`
	Format      string     `json:"format,omitempty"`
	Pattern     string     `json:"pattern,omitempty"`
	Items       *schema    `json:"items,omitempty"`
	Properties  properties `json:"properties,omitempty"`
	Required    []string   `json:"required,omitempty"`
	Closed      *bool      `json:"additionalProperties,omitempty"`
	Examples    []any      `json:"examples,omitempty"`
}

// properties are written in the order of the struct's fields.
type properties []property

type property struct {
	name   string
	schema *schema
}

func (ps properties) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteByte('{')
	for i, p := range ps {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(p.name)
		if err != nil {
			return nil, err
		}
		body, err := json.Marshal(p.schema)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(body)
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

func (ps properties) named(name string) *schema {
	for _, p := range ps {
		if p.name == name {
			return p.schema
		}
	}
	return nil
}

// comments are what the program's own text says of structs and their fields,
// by "package path.Struct" and "package path.Struct.Field".
type comments map[string]string

// of reads the comments of the package of a type, once.
func (c comments) of(t *testing.T, typ reflect.Type) {
	t.Helper()
	path := typ.PkgPath()
	if _, read := c[path]; read || !strings.HasPrefix(path, "regulars/") {
		return
	}
	c[path] = ""
	files, err := filepath.Glob(filepath.Join(testkit.Root(t), strings.TrimPrefix(path, "regulars/"), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		file, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			decl, ok := n.(*ast.GenDecl)
			if !ok || decl.Tok != token.TYPE {
				return true
			}
			for _, s := range decl.Specs {
				spec := s.(*ast.TypeSpec)
				body, ok := spec.Type.(*ast.StructType)
				if !ok {
					continue
				}
				name := path + "." + spec.Name.Name
				c[name] = line(decl.Doc)
				for _, field := range body.Fields.List {
					for _, n := range field.Names {
						c[name+"."+n.Name] = strings.TrimSpace(line(field.Doc) + " " + line(field.Comment))
					}
				}
			}
			return true
		})
	}
}

func line(g *ast.CommentGroup) string { return strings.Join(strings.Fields(g.Text()), " ") }

var (
	textual = reflect.TypeFor[encoding.TextMarshaler]()
	idText  = regexp.MustCompile(`^([a-z]+)_0{13}$`)
)

const idDigits = `_[0-7][0-9a-hjkmnp-tv-z]{12}$`

// schemaOf describes a type as it stands in JSON.
func (c comments) schemaOf(t *testing.T, typ reflect.Type) *schema {
	t.Helper()
	switch {
	case typ == reflect.TypeFor[time.Time]():
		return &schema{Type: "string", Format: "date-time"}
	case typ == reflect.TypeFor[json.RawMessage]():
		return &schema{Type: "object"}
	case typ == reflect.TypeFor[money.Currency]():
		return &schema{Type: "string", Pattern: "^[A-Z]{3}$"}
	case typ.Implements(textual):
		b, err := reflect.Zero(typ).Interface().(encoding.TextMarshaler).MarshalText()
		if m := idText.FindSubmatch(b); err == nil && m != nil {
			return &schema{Type: "string", Pattern: "^" + string(m[1]) + idDigits}
		}
	}
	switch typ.Kind() {
	case reflect.String:
		return &schema{Type: "string"}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return &schema{Type: "integer"}
	case reflect.Float64:
		return &schema{Type: "number"}
	case reflect.Slice:
		return &schema{Type: "array", Items: c.schemaOf(t, typ.Elem())}
	case reflect.Struct:
		return c.structSchema(t, typ)
	}
	t.Fatalf("a payload holds a %s, which the catalogue cannot describe", typ)
	return nil
}

func (c comments) structSchema(t *testing.T, typ reflect.Type) *schema {
	t.Helper()
	c.of(t, typ)
	s := &schema{Type: "object", Closed: new(bool)}
	for f := range typ.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			t.Fatalf("the field %s of %s has no name in JSON", f.Name, typ)
		}
		field := c.schemaOf(t, f.Type)
		if prefix := f.Tag.Get("id"); prefix != "" {
			field = &schema{Type: "string", Pattern: "^" + prefix + idDigits}
		}
		if field.Description = c[typ.PkgPath()+"."+typ.Name()+"."+f.Name]; field.Description == "" {
			t.Errorf("%s.%s says in no comment what it is, and so does docs/events", typ, f.Name)
		}
		s.Properties = append(s.Properties, property{name, field})
		if !strings.Contains(options, "omitempty") {
			s.Required = append(s.Required, name)
		}
	}
	return s
}

// eventSchema describes the message of a kind of event. The message itself may
// gain fields; its details may not within a version.
func (c comments) eventSchema(t *testing.T, k timeline.Kind, version int, sentence string, samples []json.RawMessage) *schema {
	t.Helper()
	s := c.structSchema(t, reflect.TypeFor[webhooks.Message]())
	data := s.Properties.named("data")
	data.Closed, s.Closed = nil, nil
	s.Dialect, s.ID = "https://json-schema.org/draft/2020-12/schema", "urn:regulars:"+k.Name+":v"+itoa(version)
	s.Title, s.Description = k.Name, sentence
	s.Properties.named("type").Const = k.Name
	data.Properties.named("version").Const = version
	if k.Ref != "" {
		data.Properties.named("about").Pattern = "^" + k.Ref + idDigits
	}
	details := data.Properties.named("details")
	if k.Payload == nil {
		details.Closed = new(bool)
	} else {
		said := details.Description
		*details = *c.schemaOf(t, reflect.TypeOf(k.Payload))
		details.Description = said
	}
	for _, sample := range samples {
		s.Examples = append(s.Examples, sample)
	}
	return s
}
