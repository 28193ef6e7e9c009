package locale

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// source is what the program's own text says about keys.
type source struct {
	keys     map[string]string // key → catalogue it is in
	asked    map[string]string // key asked for by its name → file
	literals map[string]bool   // every text in the program that may be a key
	prefixes map[string]bool   // "orders.status." of keys put together
}

var (
	inTemplate  = regexp.MustCompile(`[({ ](?:t|n) "([^"]+)"`)
	quoted      = regexp.MustCompile(`"([a-z0-9][a-z0-9.-]*)"`)
	keyPrefix   = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*\.$`)
	templateExt = ".html"
)

// read walks the whole program: catalogues, templates and Go files that are
// not tests.
func read(t *testing.T, root string) source {
	t.Helper()
	s := source{map[string]string{}, map[string]string{}, map[string]bool{}, map[string]bool{}}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.IsDir() && (d.Name() == "testdata" || d.Name() == "testkit") {
				return filepath.SkipDir
			}
			return err
		}
		switch {
		case d.Name() == "en.json" && filepath.Base(filepath.Dir(path)) == "text":
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			var file map[string]any
			if err := json.Unmarshal(b, &file); err != nil {
				return err
			}
			for key := range file {
				s.keys[key] = path
			}
		case filepath.Ext(path) == templateExt:
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range inTemplate.FindAllStringSubmatch(string(b), -1) {
				s.asked[m[1]] = path
			}
			for _, m := range quoted.FindAllStringSubmatch(string(b), -1) {
				s.note(m[1])
			}
		case filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go"):
			return s.readGo(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s source) note(text string) {
	s.literals[text] = true
	if keyPrefix.MatchString(text) {
		s.prefixes[text] = true
	}
}

func (s source) readGo(path string) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				text, _ := strconv.Unquote(n.Value)
				s.note(text)
			}
		case *ast.CallExpr:
			call, ok := n.Fun.(*ast.SelectorExpr)
			if !ok || call.Sel.Name != "T" && call.Sel.Name != "N" || len(n.Args) == 0 {
				return true
			}
			if lit, ok := n.Args[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				key, _ := strconv.Unquote(lit.Value)
				s.asked[key] = path
			}
		}
		return true
	})
	return nil
}

func (s source) used(key string) bool {
	if s.literals[key] {
		return true
	}
	for i := range len(key) {
		if key[i] == '.' && s.prefixes[key[:i+1]] {
			return true
		}
	}
	return false
}

func TestEveryMessageAskedForExistsAndEveryMessageIsUsed(t *testing.T) {
	s := read(t, "../..")
	if len(s.keys) < 50 || len(s.asked) < 50 {
		t.Fatalf("found only %d messages and %d uses", len(s.keys), len(s.asked))
	}
	for key, file := range s.asked {
		if _, ok := s.keys[key]; !ok {
			t.Errorf("%s asks for %q, which is in no catalogue", file, key)
		}
	}
	for key, file := range s.keys {
		if !s.used(key) {
			t.Errorf("%s: nothing uses %q", file, key)
		}
	}
}

func TestNoTemplateHoldsWordsOfItsOwn(t *testing.T) {
	action := regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	tag := regexp.MustCompile(`(?s)<code>.*?</code>|<[^>]*>`)
	word := regexp.MustCompile(`\pL{3,}`)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != templateExt || strings.HasSuffix(path, "web/pages/kit.html") || d.Name() == "attributes.html" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text := tag.ReplaceAllString(action.ReplaceAllString(string(b), ""), " ")
		text = strings.ReplaceAll(text, "Ctrl K", "")
		if found := word.FindAllString(text, 5); len(found) > 0 {
			t.Errorf("%s says %q itself; its words belong into text/en.json", path, found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
