package app_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"regulars/internal/app/migrations"
	"regulars/internal/testkit"
)

// owner says whose a table is, by the first word of the name of the migration
// that makes it (0007_orders.sql, 0012_orders_promises.sql).
var owner = map[string]string{
	"nodes":     "platform/store",
	"jobs":      "platform/jobs",
	"users":     "platform/users",
	"mail":      "platform/mail",
	"workspace": "platform/workspace",
	"customers": "know/customers",
	"timeline":  "know/timeline",
	"tasks":     "know/tasks",
	"orders":    "know/orders",
	"facts":     "know/facts",
	"keeping":   "know/keeping",
	"imports":   "doors/importers",
	"api":       "doors/api",
	"backups":   "doors/backup",
	"insights":  "measure/insights",
	"scores":    "measure/scores",
	"collect":   "doors/collect",
	"webhooks":  "doors/webhooks",
}

// writesElsewhere are the exceptions to "a table is written by its own module
// only": package and table, each with its reason.
var writesElsewhere = map[[2]string]string{}

// rowLock is the portable lock of a customer's row; every module may take it.
var rowLock = regexp.MustCompile(`^update customers set version = version \+ 1 where`)

// phrase is one SQL text of the program.
type phrase struct{ pkg, at, text string }

var isSQL = regexp.MustCompile(`(?i)^\s*(select\s|insert into\s|update \w+\s+set\s|delete from\s|with (recursive )?\w+( \([^)]*\))? as )`)

// phrases finds the SQL of the program: string literals that begin as a
// statement does, with "?" for what is put between them, and sql/*.sql.
func phrases(all []source) (found []phrase) {
	for _, s := range all {
		if s.isTest() {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			e, ok := n.(ast.Expr)
			if !ok {
				return true
			}
			text, isText := literalText(e)
			if !isText {
				return true
			}
			if isSQL.MatchString(text) {
				found = append(found, phrase{s.pkg(), s.at(e), strings.TrimSpace(text)})
			}
			return false
		})
	}
	return found
}

// literalText is the text of a literal or of literals joined by "+".
func literalText(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.ParenExpr:
		return literalText(e.X)
	case *ast.BinaryExpr:
		a, isA := literalText(e.X)
		b, isB := literalText(e.Y)
		if e.Op != token.ADD || !isA && !isB {
			return "", false
		}
		if !isA {
			a = "?"
		}
		if !isB {
			b = "?"
		}
		return a + b, true
	}
	return "", false
}

func allPhrases(t *testing.T) []phrase {
	t.Helper()
	found := phrases(sources(t))
	root := testkit.Root(t)
	files, err := filepath.Glob(filepath.Join(root, "internal/*/*/sql/*.sql"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(root, f)
		name = filepath.ToSlash(name)
		pkg := strings.TrimPrefix(name[:strings.Index(name, "/sql/")], "internal/")
		found = append(found, phrase{pkg, name, strings.TrimSpace(remark.ReplaceAllString(string(text), ""))})
	}
	return found
}

func TestATableIsWrittenByItsOwnModuleOnly(t *testing.T) {
	owners := tableOwners(t)
	all := sources(t)
	used := map[[2]string]bool{}
	complain := func(pkg, at, table string) {
		pair := [2]string{pkg, table}
		used[pair] = true
		if own, known := owners[table]; known && pkg != "testkit" && own != pkg && writesElsewhere[pair] == "" {
			t.Errorf("%s: %s writes %s, which is %s's: call its verb, or let it react to your event", at, pkg, table, own)
		}
	}
	for _, p := range allPhrases(t) {
		for _, table := range written(p.text) {
			complain(p.pkg, p.at, table)
		}
	}
	for _, s := range all {
		for _, b := range bulks(s) {
			complain(s.pkg(), b[0], b[1])
		}
	}
	for pair, reason := range writesElsewhere {
		if !used[pair] {
			t.Errorf("%v is an exception (%s) that nobody needs", pair, reason)
		}
	}
}

// onlyAdded are tables whose rows nobody changes or takes away again, with
// what may still be done to them.
var onlyAdded = map[string]string{"audit": "", "audit_values": "", "audit_head": "update"}

// forgets is the one exception: what stood in fields goes when the keeping
// period that the owner chose is over. The lines stay, and say so.
var forgets = struct{ file, what string }{"internal/platform/users/keeping.go:", "delete from audit_values"}

func TestNothingEditsTheAuditLog(t *testing.T) {
	edits := func(text string) (found []string) {
		flat := strings.ToLower(strings.Join(strings.Fields(text), " "))
		for _, m := range regexp.MustCompile(`\b(update|delete from|insert into) (\w+)( [^;]*on conflict[^;]*do update)?`).FindAllStringSubmatch(flat, -1) {
			may, held := onlyAdded[m[2]]
			adds := m[1] == "insert into" && m[3] == ""
			if held && !adds && (may == "" || m[1] == "delete from") {
				found = append(found, m[0])
			}
		}
		return found
	}
	for _, p := range allPhrases(t) {
		for _, e := range edits(p.text) {
			if e == forgets.what && strings.HasPrefix(p.at, forgets.file) {
				continue
			}
			t.Errorf("%s: %q: a line of the audit log is written once and stays", p.at, e)
		}
	}
	for text, want := range map[string]int{
		"update audit set fields = ''": 1, "delete from audit_values where audit_id = $1": 1, "delete from audit_head": 1,
		"insert into audit (id) values ($1) on conflict (id) do update set at = 0": 1,
		"insert into audit (id) values ($1)":                                       0, "update audit_head set hash = $1": 0,
	} {
		if got := edits(text); len(got) != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

var (
	makes  = regexp.MustCompile(`(?m)^create table (\w+)`)
	number = regexp.MustCompile(`^\d{4}_([a-z]+)`)
	writes = regexp.MustCompile(`\b(?:insert into (\w+)|update (\w+)\s+set|delete from (\w+))`)
	remark = regexp.MustCompile(`--[^\n]*`)
)

func tableOwners(t *testing.T) map[string]string {
	t.Helper()
	owners := map[string]string{"schema_migrations": "platform/store"}
	files, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := migrations.FS.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		own := owner[number.FindStringSubmatch(f)[1]]
		if own == "" {
			t.Errorf("migration %s begins with no module's word; name it after the module that writes its tables, or add the module in internal/app/arch_sql_test.go", f)
		}
		for _, m := range makes.FindAllStringSubmatch(string(text), -1) {
			owners[m[1]] = own
		}
	}
	return owners
}

// written lists the tables that a text writes.
func written(text string) (tables []string) {
	flat := strings.ToLower(strings.Join(strings.Fields(text), " "))
	if rowLock.MatchString(flat) {
		return nil
	}
	for _, m := range writes.FindAllStringSubmatch(flat, -1) {
		tables = append(tables, m[1]+m[2]+m[3])
	}
	return tables
}

// bulks lists the tables that a file fills by tx.Bulk(ctx, "table", …).
func bulks(s source) (found [][2]string) {
	if s.isTest() {
		return nil
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) < 2 {
			return true
		}
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Bulk" {
			if table, ok := literalText(call.Args[1]); ok {
				found = append(found, [2]string{s.at(call), table})
			}
		}
		return true
	})
	return found
}

// dialect are words that mean something else, or nothing, on one of the three
// engines; docs/sql.md has them all.
var dialect = []struct {
	words  *regexp.Regexp
	reason string
}{
	{regexp.MustCompile(`\bilike\b`), "SQLite has no ilike: write lower(x) like $1 and lower the argument in Go"},
	{regexp.MustCompile(`\b(now\(|current_timestamp|current_date|date_trunc|extract\(|strftime|julianday|datetime\()`), "times and months come from Go, out of tx.Now"},
	{regexp.MustCompile(`\bdistinct on\b`), "SQLite and Citus know no distinct on: row_number() over (partition by …) = 1"},
	{regexp.MustCompile(`\b(greatest|least)\(`), "SQLite knows no greatest: write a case"},
	{regexp.MustCompile(`\b(any|all) ?\((\$|\?|array)`), "SQLite knows no arrays: in (store.List…)"},
	{regexp.MustCompile(`@>|<@`), "SQLite knows no containment: what is filtered by is a column or a row"},
	{regexp.MustCompile(`::`), "a cast is written cast(x as bigint)"},
	{regexp.MustCompile(`\bround\([^()]*,`), "rounding is Go's: engines round differently"},
	{regexp.MustCompile(`\b(grouping sets|rollup|cube|lateral|merge into)\b`), "not every engine knows it"},
	{regexp.MustCompile(`\bfor (update|share)\b`), "SQLite locks no rows: update the customer's version first; jobs append tx.SkipLocked()"},
	{regexp.MustCompile(`\b(ifnull|nvl|json_extract|group_concat|printf)\(|\bglob\b`), "this is one engine's word: coalesce, ->>, string_agg, Go"},
	{regexp.MustCompile(`\b(insert or |replace into |rowid\b|ctid\b)`), "this is one engine's word: on conflict"},
	{regexp.MustCompile(`"`), "text in double quotes is a column on PostgreSQL; names need no quotes"},
	{regexp.MustCompile(`\bfrom \(values\b`), "SQLite wants with v (x) as (values …)"},
	{regexp.MustCompile(`\bas (materialized )?\((insert|update|delete)\b`), "SQLite and Citus write no rows inside a with"},
	{regexp.MustCompile(`\bdo update set [^$]*= ?\(select\b`), "Citus wants the value read first"},
	{regexp.MustCompile(`\binsert into \w+ ?(\([^)]*\) )?select ((?:[^w]|w[^h])*)\bon conflict\b`), "SQLite wants a where before on conflict behind a select"},
	{regexp.MustCompile(`\bselect \$\d+( |,|$)`), "a bare $1 in a select has no type: cast($1 as bigint)"},
}

// mayUse are packages that know their engine, with the reason.
var mayUse = map[string]string{
	"platform/store":  "it alone knows the engine",
	"platform/search": "full-text search has one file an engine",
	"testkit":         "it makes databases on a server",
}

func TestSQLMeansTheSameOnEveryEngine(t *testing.T) {
	for _, p := range allPhrases(t) {
		for _, breach := range foreignWords(p) {
			t.Error(breach)
		}
	}
}

var scalarMax = regexp.MustCompile(`\b(max|min)\(`)

func foreignWords(p phrase) (breaches []string) {
	if mayUse[p.pkg] != "" {
		return nil
	}
	flat := strings.Join(strings.Fields(sqlLiteral.ReplaceAllString(p.text, "''")), " ")
	if m := upper.FindString(flat); m != "" {
		breaches = append(breaches, fmt.Sprintf("%s: SQL is written in lower case, not %s", p.at, m))
	}
	flat = strings.ToLower(flat)
	for _, d := range dialect {
		if m := d.words.FindString(flat); m != "" {
			breaches = append(breaches, fmt.Sprintf("%s: %q: %s", p.at, m, d.reason))
		}
	}
	for _, at := range scalarMax.FindAllStringIndex(flat, -1) {
		if argumentsOf(flat[at[1]-1:]) > 1 {
			breaches = append(breaches, p.at+": max of two values is SQLite's alone: write a case")
		}
	}
	return breaches
}

var (
	sqlLiteral = regexp.MustCompile(`'[^']*'`)
	upper      = regexp.MustCompile(`\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|VALUES|ORDER BY|GROUP BY|JOIN)\b`)
)

// argumentsOf counts the arguments of the call whose bracket s begins with.
func argumentsOf(s string) int {
	depth, n := 0, 1
	for i := range len(s) {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return n
			}
		case ',':
			if depth == 1 {
				n++
			}
		}
	}
	return n
}

var orderBy = regexp.MustCompile(`\border by ((?:[\w.]+(?: asc| desc)?(?: nulls (?:first|last))?(?:, )?)+)`)

func TestWhereNullsSortIsAlwaysSaid(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join(testkit.Root(t), "internal/app/migrations/schema.golden.txt"))
	if err != nil {
		t.Fatal(err)
	}
	mayBeNull := nullable(string(golden))
	for _, p := range allPhrases(t) {
		for _, column := range unsaid(p.text, mayBeNull) {
			t.Errorf("%s: order by %s, which may be null: PostgreSQL puts nulls last and SQLite first; write nulls first or last", p.at, column)
		}
	}
	mayBeNull = nullable("table a\n\tx bigint\n\ty bigint not null\n\tprimary key (y)\ntable b\n\ty bigint\n")
	for text, want := range map[string]int{
		"select 1 from a order by a.x desc, y": 1, "select 1 from a order by x nulls last": 0, "select 1 from a order by y": 0,
		"select row_number() over (order by y, x) from a": 1, "select 1 from a where x is not null order by x": 0,
	} {
		if got := unsaid(text, mayBeNull); len(got) != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// nullable are the columns that may be null in every table that has one of
// their name.
func nullable(schema string) map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(schema) {
		words := strings.Fields(line)
		if len(words) < 2 || !slices.Contains([]string{"bigint", "boolean", "double", "text", "bytea"}, words[1]) {
			continue
		}
		before, seen := all[words[0]]
		all[words[0]] = (before || !seen) && !strings.Contains(line, "not null")
	}
	return all
}

// unsaid lists the nullable columns that a text sorts by without saying where
// nulls go.
func unsaid(text string, mayBeNull map[string]bool) (columns []string) {
	flat := strings.ToLower(strings.Join(strings.Fields(text), " "))
	for _, m := range orderBy.FindAllStringSubmatch(flat, -1) {
		for term := range strings.SplitSeq(m[1], ", ") {
			column, _, _ := strings.Cut(term, " ")
			column = column[strings.LastIndexByte(column, '.')+1:]
			if mayBeNull[column] && !strings.Contains(term, " nulls ") && !strings.Contains(flat, column+" is not null") {
				columns = append(columns, column)
			}
		}
	}
	return columns
}

func TestTheSQLRulesCatchTheirBreaches(t *testing.T) {
	for _, good := range []string{
		`select id from orders where lower(email) like $1 order by id`,
		`select max(id), coalesce(min(placed_at), 0) from orders where cast($1 as text) is null or name = 'ILIKE "x" now()'`,
		`insert into a (x, y) select x, y from b where true on conflict (x) do update set y = excluded.y`,
		`insert into a (x) values ($1) on conflict (x) do nothing returning x`,
		`with v (x) as (values (cast($1 as bigint))) select x from v`,
		`update customers set version = version + 1 where customer_id = $1`,
	} {
		if got := foreignWords(phrase{at: "good", text: good}); len(got) > 0 {
			t.Error(got)
		}
	}
	for bad, want := range map[string]string{
		`SELECT 1`:                                                                  "lower case",
		`select 1 from a where x ilike $1`:                                          "ilike",
		`delete from a where at < now()`:                                            "tx.Now",
		`select distinct on (x) y from a`:                                           "distinct on",
		`update a set x = greatest(x, $1)`:                                          "a case",
		`update a set x = max(x, coalesce($1, 2))`:                                  "a case",
		`select x from a where id = any($1)`:                                        "arrays",
		`select x from a where tags @> $1`:                                          "containment",
		`select x::bigint from a`:                                                   "cast",
		`select round(x / 3, 2) from a`:                                             "Go's",
		`select x from a, lateral (select 1) b`:                                     "engine",
		`select x from a for update`:                                                "locks no rows",
		`select ifnull(x, 0) from a`:                                                "coalesce",
		`select x from a where name = "ann"`:                                        "double quotes",
		`select x from (values (1)) as v (x)`:                                       "with v",
		`with d as (delete from a returning x) select 1`:                            "inside a with",
		`insert into a (x) values (1) on conflict (x) do update set x = (select 1)`: "read first",
		`insert into a (x) select x from b on conflict (x) do nothing`:              "wants a where",
		`select $1, x from a`:                                                       "no type",
	} {
		got := strings.Join(foreignWords(phrase{at: "bad", text: bad}), "\n")
		if !strings.Contains(got, want) {
			t.Errorf("%s: is not caught by a message with %q: %q", bad, want, got)
		}
	}
	file := "package x\n\nfunc f() { tx.Exec(ctx, `\n\tinsert into orders (x) values (`+store.List(1, 2)+`)`); tx.Bulk(ctx, \"events\", \"a\", \"\"); g(`update it`) }\n"
	all := parse(t, map[string]string{"internal/know/x/x.go": file})
	found := phrases(all)
	if len(found) != 1 || !slices.Equal(written(found[0].text), []string{"orders"}) {
		t.Errorf("found %+v", found)
	}
	if b := bulks(all[0]); len(b) != 1 || b[0][1] != "events" {
		t.Errorf("bulks %v", b)
	}
	if got := written("update customers set version = version + 1 where customer_id = $1"); got != nil {
		t.Errorf("the row lock writes %v", got)
	}
}
