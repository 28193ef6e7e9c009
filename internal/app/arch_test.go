package app_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"regulars/internal/testkit"
)

// order is the order of the wings and of the packages in them. A package
// imports only what stands above it.
var order = []string{
	"platform/errs",
	"platform/id",
	"platform/money",
	"platform/locale",
	"platform/text",
	"platform/sheet",
	"platform/secrets",
	"platform/outbound",
	"platform/export",
	"platform/telemetry",
	"platform/store",
	"platform/search",
	"platform/jobs",
	"platform/web/kit",
	"platform/web",
	"platform/rest",
	"platform/mail",
	"platform/users",
	"platform/workspace",

	"know/timeline",
	"know/customers",
	"know/tasks",
	"know/accounts",
	"know/orders",
	"know/facts",
	"know/keeping",
	"know/segments",

	"measure/retention",
	"measure/scores",
	"measure/insights",
	"measure/experiments",

	"reach/messages",
	"reach/campaigns",
	"reach/plays",
	"reach/onsite",

	"reward/loyalty",
	"reward/referrals",

	"listen/feedback",
	"listen/reviews",
	"listen/wishes",
	"listen/leaving",
	"listen/desk",
	"listen/knowledge",
	"listen/community",

	"doors/admin",
	"doors/portal",
	"doors/api",
	"doors/webhooks",
	"doors/mcp",
	"doors/collect",
	"doors/importers",
	"doors/backup",
	"doors/archive",
	"doors/report",
	"doors/demo",

	"app/migrations",
	"app",
}

// pure packages know nothing of ours, so that they can be read and tested
// alone.
var pure = []string{"platform/errs", "platform/id", "platform/money", "platform/locale", "platform/text", "platform/secrets", "platform/outbound", "platform/telemetry", "measure/retention"}

// allowedImports are the exceptions, each with its reason.
var allowedImports = map[[2]string]string{
	{"platform/locale", "platform/money"}: "an amount is written as a language writes it, with the digits of its currency",
	{"platform/locale", "platform/errs"}:  "an error is said by the message of its key",
}

const (
	module = "regulars/"
	ours   = module + "internal/"
)

// source is one Go file; name is its path in the checkout.
type source struct {
	name string
	file *ast.File
	fset *token.FileSet
	size int // lines
}

func (s source) isTest() bool { return strings.HasSuffix(s.name, "_test.go") }

// generated reports whether a program wrote it: no rule of style is for it.
func (s source) generated() bool { return strings.HasSuffix(s.name, ".gen.go") }

// pkg is the package's place below internal, or its path for cmd.
func (s source) pkg() string { return strings.TrimPrefix(path.Dir(s.name), "internal/") }

func (s source) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", s.name, s.fset.Position(n.Pos()).Line)
}

func (s source) imports() (all []string) {
	for _, i := range s.file.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		all = append(all, p)
	}
	return all
}

func sources(t testing.TB) []source {
	t.Helper()
	root := testkit.Root(t)
	texts := map[string]string{}
	for _, dir := range []string{"internal", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(p, ".go") {
				return err
			}
			text, err := os.ReadFile(p)
			name, _ := filepath.Rel(root, p)
			texts[filepath.ToSlash(name)] = string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return parse(t, texts)
}

func parse(t testing.TB, texts map[string]string) (all []source) {
	t.Helper()
	for name, text := range texts {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, name, text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, source{name: name, file: f, fset: fset, size: strings.Count(text, "\n")})
	}
	slices.SortFunc(all, func(a, b source) int { return strings.Compare(a.name, b.name) })
	return all
}

// rules are what every file keeps, by what a breach of them says.
var rules = []func(source) []string{
	importsOnlyWhatIsAbove, onlyTestsUseTestkit, onlyPagesSeeHTTP, nothingRegistersItself,
	namedByTheMerchant, theClockIsHandedDown, exportedNamesSayTheirPromise,
}

func TestTheHouseRulesHold(t *testing.T) {
	for _, s := range sources(t) {
		for _, rule := range rules {
			for _, breach := range rule(s) {
				t.Error(breach)
			}
		}
	}
}

func TestEachHouseRuleCatchesItsBreach(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"internal/know/orders/orders.go", `package orders; import _ "regulars/internal/know/segments"`, "stands below"},
		{"internal/know/orders/orders.go", `package orders; import _ "regulars/internal/reach/plays"`, "stands below"},
		{"internal/platform/money/money.go", `package money; import _ "regulars/internal/platform/errs"`, "imports nothing of ours"},
		{"internal/know/people/people.go", `package people`, "has no place in the order"},
		{"internal/know/orders/orders.go", `package orders; import _ "regulars/internal/testkit"`, "only tests"},
		{"internal/know/orders/orders.go", `package orders; import _ "net/http"`, "net/http"},
		{"internal/know/orders/orders.go", "package orders; func init() {}", "init"},
		{"internal/know/orders/orders.go", `package orders; import _ "github.com/lib/pq"`, "side effect"},
		{"internal/know/orders/helpers/x.go", "package helpers", "says nothing"},
		{"internal/know/orders/orders.go", `package orders; import "time"; var now = time.Now`, "tx.Now"},
		{"internal/know/orders/orders.go", "package orders; func Place() {}", "Place says no promise"},
		{"internal/know/orders/orders.go", "package orders; type Order struct{}", "Order says no promise"},
	} {
		var got []string
		for _, s := range parse(t, map[string]string{c.name: c.text}) {
			for _, rule := range rules {
				got = append(got, rule(s)...)
			}
		}
		if !strings.Contains(strings.Join(got, "\n"), c.want) {
			t.Errorf("%s: %s\nis not caught by a message with %q: %q", c.name, c.text, c.want, got)
		}
	}
	good := "// Package orders keeps orders.\n//\n// Its one rule: none.\npackage orders\n\n// String names it.\nfunc String() {}\n"
	for _, name := range []string{"internal/know/orders/orders.go", "internal/know/orders/admin.go", "internal/know/orders/admin_refunds.go"} {
		for _, s := range parse(t, map[string]string{name: good}) {
			for _, rule := range rules {
				if got := rule(s); len(got) > 0 {
					t.Errorf("a good file breaks: %v", got)
				}
			}
		}
	}
}

func importsOnlyWhatIsAbove(s source) (breaches []string) {
	if s.isTest() || strings.HasPrefix(s.name, "cmd/") || strings.HasPrefix(s.pkg(), "testkit") {
		return nil
	}
	own := slices.Index(order, s.pkg())
	if own < 0 {
		return []string{s.name + ": package " + s.pkg() + " has no place in the order; give it one in internal/app/arch_test.go"}
	}
	for _, i := range s.imports() {
		other, isOurs := strings.CutPrefix(i, ours)
		if !isOurs || allowedImports[[2]string{s.pkg(), other}] != "" || strings.HasPrefix(other, "testkit") {
			continue
		}
		switch place := slices.Index(order, other); {
		case slices.Contains(pure, s.pkg()):
			breaches = append(breaches, s.name+": "+s.pkg()+" is pure and imports nothing of ours, not "+other)
		case place < 0 || place >= own:
			breaches = append(breaches, s.name+": imports "+other+", which stands below "+s.pkg()+" in the order of the wings; let "+other+" react to an event, or hand in a value from app")
		}
	}
	return breaches
}

func onlyTestsUseTestkit(s source) []string {
	if s.isTest() || strings.HasPrefix(s.pkg(), "testkit") {
		return nil
	}
	if slices.ContainsFunc(s.imports(), func(i string) bool { return strings.HasPrefix(i, ours+"testkit") || i == "testing" }) {
		return []string{s.name + ": only tests import testkit and testing"}
	}
	return nil
}

var pageFile = regexp.MustCompile(`/(admin|portal|api)(_\w+)?\.go$`)

func onlyPagesSeeHTTP(s source) []string {
	for _, free := range []string{"cmd/", "internal/platform/web/", "internal/platform/rest/", "internal/platform/outbound/", "internal/platform/telemetry/", "internal/doors/", "internal/testkit/", "internal/app/"} {
		if strings.HasPrefix(s.name, free) {
			return nil
		}
	}
	if s.isTest() || pageFile.MatchString(s.name) {
		return nil
	}
	if slices.Contains(s.imports(), "net/http") {
		return []string{s.name + ": imports net/http; only admin.go, portal.go and api.go (and admin_….go) of a module may see HTTP, so that its verbs serve the command line and jobs alike"}
	}
	return nil
}

// sideEffects are the imports that are wanted for what they do alone.
var sideEffects = []string{"embed", "time/tzdata", "github.com/jackc/pgx/v5/stdlib", "modernc.org/sqlite"}

func nothingRegistersItself(s source) (breaches []string) {
	if s.isTest() {
		return nil
	}
	for _, d := range s.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "init" && f.Recv == nil {
			breaches = append(breaches, s.at(f)+": init hides what runs; list it in app/modules.go")
		}
	}
	for _, i := range s.file.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		if i.Name != nil && i.Name.Name == "_" && !slices.Contains(sideEffects, p) {
			breaches = append(breaches, s.at(i)+": "+p+" is imported for its side effect, which hides what runs")
		}
	}
	return breaches
}

var empty = regexp.MustCompile(`^(utils?|common|helpers?|models?|types?|services?|repositor(y|ies)|dtos?|mocks?|managers?|misc|core|lib|shared|base)$`)

func namedByTheMerchant(s source) (breaches []string) {
	for part := range strings.SplitSeq(s.pkg(), "/") {
		if empty.MatchString(part) {
			breaches = append(breaches, s.name+": a package called "+part+" says nothing; name the merchant's noun")
		}
	}
	return breaches
}

// The wings whose work happens at a time that somebody hands them.
var timeless = regexp.MustCompile(`^(know|measure|reach|reward|listen)/|^platform/(errs|money|locale|text|sheet|users|workspace)$`)

func theClockIsHandedDown(s source) (breaches []string) {
	if s.isTest() || !timeless.MatchString(s.pkg()) {
		return nil
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && (sel.Sel.Name == "Now" || sel.Sel.Name == "Since") {
				breaches = append(breaches, s.at(n)+": time."+sel.Sel.Name+": the clock is tx.Now or db.Now, so that tests, demo and replay own it")
			}
		}
		return true
	})
	return breaches
}

// obvious are methods whose promise is that of the interface they fulfil.
var obvious = []string{"String", "Error", "Unwrap", "Is", "As", "Scan", "Value", "ServeHTTP", "Read", "Write", "Close",
	"Len", "Less", "Swap", "MarshalText", "UnmarshalText", "MarshalJSON", "UnmarshalJSON"}

func exportedNamesSayTheirPromise(s source) (breaches []string) {
	if s.isTest() || s.generated() || s.file.Name.Name == "main" {
		return nil
	}
	say := func(n *ast.Ident) {
		breaches = append(breaches, s.at(n)+": "+n.Name+" says no promise: when it fails, its units, what it is idempotent by")
	}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Doc == nil && !(d.Recv != nil && (slices.Contains(obvious, d.Name.Name) || !ast.IsExported(receiver(d)))) {
				say(d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if ts, ok := spec.(*ast.TypeSpec); ok && ts.Name.IsExported() && d.Doc == nil && ts.Doc == nil && ts.Comment == nil {
					say(ts.Name)
				}
			}
		}
	}
	return breaches
}

func receiver(f *ast.FuncDecl) string {
	name := ""
	ast.Inspect(f.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == "" {
			name = id.Name
		}
		return true
	})
	return name
}

func TestEveryPackageSaysWhatItIsAndItsOneRule(t *testing.T) {
	said, where := map[string]string{}, map[string]string{}
	for _, s := range sources(t) {
		if s.isTest() || strings.HasPrefix(s.name, "cmd/") {
			continue
		}
		where[s.pkg()] = s.name
		if s.file.Doc != nil && !s.generated() {
			said[s.pkg()] += s.file.Doc.Text()
		}
	}
	for pkg, name := range where {
		switch doc := said[pkg]; {
		case doc == "":
			t.Errorf("package %s (%s) has no package comment", pkg, name)
		case !strings.Contains(doc, "one rule"):
			t.Errorf("the package comment of %s does not say its one rule", pkg)
		case strings.Count(doc, "Package ") > 1:
			t.Errorf("package %s has two package comments", pkg)
		}
	}
}

// TestSizes never fails: a person decides. `make sizes` shows it.
func TestSizes(t *testing.T) {
	type long struct {
		what  string
		lines int
	}
	var files, funcs []long
	for _, s := range sources(t) {
		if s.isTest() || s.generated() {
			continue
		}
		files = append(files, long{s.name, s.size})
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				lines := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1
				funcs = append(funcs, long{s.at(f) + " " + f.Name.Name, lines})
			}
		}
	}
	for _, all := range []struct {
		name string
		list []long
	}{{"files (400 is long)", files}, {"functions (60 is long)", funcs}} {
		slices.SortFunc(all.list, func(a, b long) int { return b.lines - a.lines })
		var b strings.Builder
		for _, l := range all.list[:min(10, len(all.list))] {
			fmt.Fprintf(&b, "%6d  %s\n", l.lines, l.what)
		}
		t.Logf("the longest %s:\n%s", all.name, b.String())
	}
}
