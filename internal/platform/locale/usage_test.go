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
	said     map[string]any    // key → its English message: a text, or one a plural form
	errors   []string          // what is wrong with errors made in the code
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
func read(t *testing.T) *source {
	t.Helper()
	s := &source{
		said: map[string]any{}, keys: map[string]string{}, asked: map[string]string{},
		literals: map[string]bool{}, prefixes: map[string]bool{},
	}
	var programs []string
	walk := func(path string, d fs.DirEntry, err error) error {
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
				s.keys[key], s.said[key] = path, file[key]
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
			programs = append(programs, path)
		}
		return nil
	}
	for _, root := range []string{"../../../internal", "../../../cmd"} {
		if err := filepath.WalkDir(root, walk); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range programs {
		if err := s.readGo(path); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *source) note(text string) {
	s.literals[text] = true
	if keyPrefix.MatchString(text) {
		s.prefixes[text] = true
	}
}

func (s *source) readGo(path string) error {
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
		case *ast.CompositeLit:
			if kind, ok := n.Type.(*ast.SelectorExpr); ok {
				if from, is := kind.X.(*ast.Ident); is && from.Name == "errs" {
					s.errors = append(s.errors, path+": an error is made by errs.Wrong, Missing, Clash or Of, so that its message can be checked")
				}
			}
		case *ast.CallExpr:
			call, ok := n.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if from, is := call.X.(*ast.Ident); is && from.Name == "errs" {
				s.readError(path, call.Sel.Name, n.Args)
			}
			if call.Sel.Name != "T" && call.Sel.Name != "N" || len(n.Args) == 0 {
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

// keyAt is where the makers of errors take their key.
var keyAt = map[string]int{"Missing": 0, "Wrong": 1, "Clash": 1, "Of": 2}

var place = regexp.MustCompile(`\{\{\s*\.(\w+)`)

// readError holds an error made in the code against the message of its key:
// there must be one, with places for exactly the arguments given.
func (s *source) readError(path, maker string, args []ast.Expr) {
	at, ok := keyAt[maker]
	if !ok {
		return
	}
	lit, ok := args[at].(*ast.BasicLit)
	if !ok {
		s.errors = append(s.errors, path+": errs."+maker+" is given a key that is not written out, so nothing can hold it against the catalogues")
		return
	}
	key, _ := strconv.Unquote(lit.Value)
	s.asked[key] = path
	s.errors = append(s.errors, unfit(path, key, s.said[key], args[at+1:])...)
}

// unfit says where the arguments of an error and its message differ.
func unfit(path, key string, message any, args []ast.Expr) (wrong []string) {
	given := map[string]bool{}
	for i, arg := range args {
		name, ok := arg.(*ast.BasicLit)
		if i%2 == 0 && (!ok || name.Kind != token.STRING || i+1 == len(args)) {
			return []string{path + ": " + key + ": arguments are names, written out, and values in turn"}
		}
		if i%2 == 0 {
			text, _ := strconv.Unquote(name.Value)
			given[text] = true
		}
	}
	forms := map[string]any{"": message}
	if plural, ok := message.(map[string]any); ok {
		forms = plural
	}
	asked := map[string]bool{}
	for form, text := range forms {
		text, _ := text.(string)
		for _, m := range place.FindAllStringSubmatch(text, -1) {
			if asked[m[1]] = true; !given[m[1]] {
				wrong = append(wrong, path+": "+key+": the message ("+form+") wants "+m[1]+", which is not given")
			}
		}
	}
	_, plural := forms["other"]
	for name := range given {
		if !asked[name] && name != "Count" {
			wrong = append(wrong, path+": "+key+": "+name+" is given, but the message has no place for it")
		}
	}
	if message != nil && plural != given["Count"] {
		wrong = append(wrong, path+": "+key+": a message with plurals, and only one, is given Count")
	}
	return wrong
}

func (s *source) used(key string) bool {
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
	s := read(t)
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

func TestEveryErrorFitsItsMessage(t *testing.T) {
	s := read(t)
	for _, wrong := range s.errors {
		t.Error(wrong)
	}
	plural := map[string]any{"one": "{{.Count}} row of {{.File}}", "other": "{{.Count}} rows of {{.File}}"}
	for _, x := range []struct {
		message any
		args    string
		fits    bool
	}{
		{"plain", ``, true}, {"of {{.File}}", `"File", f`, true}, {plural, `"Count", n, "File", f`, true}, {nil, ``, true},
		{"of {{.File}}", ``, false}, {"of {{.File}}", `"Name", f`, false}, {"plain", `"File", f`, false},
		{"of {{.File}}", `"File"`, false}, {"of {{.File}}", `args...`, false}, {"of {{.File}}", `name, f`, false},
		{plural, `"File", f`, false}, {"plain", `"Count", n`, false}, {plural, `"Count", n`, false},
	} {
		call, err := parser.ParseExpr("f(" + x.args + ")")
		if err != nil {
			t.Fatal(err)
		}
		if wrong := unfit("x.go", "key", x.message, call.(*ast.CallExpr).Args); (len(wrong) == 0) != x.fits {
			t.Errorf("%v with %s: %v", x.message, x.args, wrong)
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
