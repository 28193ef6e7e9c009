package citus

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// scope is one level of a select: its relations, and which of them are held
// together by equal customers.
type scope struct {
	outer *scope
	named map[string]bool // names of with; whether their rows are kept aside
	rels  []relation
	on    []*pg.Node // conditions of joins
	equal [][2]string
}

// relation is a table, a named select or one in brackets. Spread ones are
// judged: By is the column they are spread by.
type relation struct {
	alias, table, by string
	columns          []string
	bracket          bool // a select in brackets, which a cluster can keep aside
}

func newScope(outer *scope) *scope { return &scope{outer: outer, named: map[string]bool{}} }

// lookup finds a name of with; kept says whether its rows are kept aside.
func (s *scope) lookup(name string) (kept, known bool) {
	for ; s != nil; s = s.outer {
		if kept, ok := s.named[name]; ok {
			return kept, true
		}
	}
	return false, false
}

func (s *scope) anySpread() bool {
	return slices.ContainsFunc(s.rels, func(r relation) bool { return r.by != "" })
}

func (r *reader) from(sc *scope, n *pg.Node) {
	switch f := n.GetNode().(type) {
	case *pg.Node_RangeVar:
		r.relation(sc, f.RangeVar, f.RangeVar.Alias)
	case *pg.Node_JoinExpr:
		r.from(sc, f.JoinExpr.Larg)
		r.from(sc, f.JoinExpr.Rarg)
		if len(f.JoinExpr.UsingClause) > 0 {
			sc.using(f.JoinExpr)
		}
		if f.JoinExpr.Quals != nil {
			sc.on = append(sc.on, f.JoinExpr.Quals)
			sc.conditions(f.JoinExpr.Quals)
		}
	case *pg.Node_RangeSubselect:
		if f.RangeSubselect.Lateral {
			r.breach("lateral is not used")
		}
		in := f.RangeSubselect.Subquery.GetSelectStmt()
		r.selects(in, sc)
		rel := relation{alias: f.RangeSubselect.Alias.GetAliasname(), bracket: true}
		if r.spread(in, sc) {
			rel.by = customer
		}
		sc.rels = append(sc.rels, rel)
	}
}

func (r *reader) relation(sc *scope, v *pg.RangeVar, alias *pg.Alias) {
	rel := relation{alias: v.Relname, table: v.Relname}
	if alias == nil {
		alias = v.Alias
	}
	if alias != nil {
		rel.alias = alias.Aliasname
	}
	if kept, known := sc.lookup(v.Relname); known {
		rel.bracket = true
		if !kept {
			rel.by = customer
		}
	} else {
		rel.by, rel.columns = r.tables[v.Relname].By, r.tables[v.Relname].Columns
	}
	sc.rels = append(sc.rels, rel)
}

func (s *scope) using(j *pg.JoinExpr) {
	left, right := aliases(j.Larg), aliases(j.Rarg)
	for _, c := range j.UsingClause {
		for _, l := range left {
			for _, r := range right {
				if name := c.GetString_().GetSval(); name == s.by(l) && name == s.by(r) {
					s.equal = append(s.equal, [2]string{l, r})
				}
			}
		}
	}
}

func aliases(n *pg.Node) []string {
	switch f := n.GetNode().(type) {
	case *pg.Node_RangeVar:
		if f.RangeVar.Alias != nil {
			return []string{f.RangeVar.Alias.Aliasname}
		}
		return []string{f.RangeVar.Relname}
	case *pg.Node_RangeSubselect:
		return []string{f.RangeSubselect.Alias.GetAliasname()}
	case *pg.Node_JoinExpr:
		return append(aliases(f.JoinExpr.Larg), aliases(f.JoinExpr.Rarg)...)
	}
	return nil
}

// conditions notes which relations are said to be of the same customer: by
// customer_id = customer_id, or both by the same value.
func (s *scope) conditions(n *pg.Node) {
	switch e := n.GetNode().(type) {
	case *pg.Node_BoolExpr:
		if e.BoolExpr.Boolop == pg.BoolExprType_AND_EXPR {
			for _, a := range e.BoolExpr.Args {
				s.conditions(a)
			}
		}
	case *pg.Node_AExpr:
		if op(e.AExpr) != "=" || e.AExpr.Kind != pg.A_Expr_Kind_AEXPR_OP {
			return
		}
		left, right := e.AExpr.Lexpr, e.AExpr.Rexpr
		if l, r := left.GetRowExpr(), right.GetRowExpr(); l != nil && r != nil {
			for i := range min(len(l.Args), len(r.Args)) {
				s.equals(l.Args[i], r.Args[i])
			}
			return
		}
		s.equals(left, right)
	}
}

func (s *scope) equals(left, right *pg.Node) {
	l, lok := s.owner(left)
	r, rok := s.owner(right)
	switch {
	case lok && rok && s.by(l) != s.by(r):
	case lok && rok:
		s.equal = append(s.equal, [2]string{l, r})
	case lok:
		s.equal = append(s.equal, [2]string{l, "value " + value(right)})
	case rok:
		s.equal = append(s.equal, [2]string{r, "value " + value(left)})
	}
}

// owner finds the relation of this level that is spread by the column n.
func (s *scope) owner(n *pg.Node) (string, bool) {
	q, name := column(n)
	if name == "" {
		return "", false
	}
	for _, r := range s.rels {
		switch {
		case q != "" && r.alias == q:
			return q, r.by == name || r.bracket && name == customer
		case q == "" && r.by == name: // there is one that has it
			return r.alias, true
		}
	}
	return "", false
}

// by is the column that a relation of this level is spread by.
func (s *scope) by(alias string) string {
	for _, r := range s.rels {
		if r.alias == alias && r.by != "" {
			return r.by
		}
	}
	return customer
}

// judge finds spread relations that nothing holds together.
func (s *scope) judge(r *reader) {
	var spread []relation
	for _, rel := range s.rels {
		if rel.by != "" {
			spread = append(spread, rel)
		}
	}
	if len(spread) < 2 {
		return
	}
	root := map[string]string{}
	var find func(string) string
	find = func(a string) string {
		if root[a] == "" || root[a] == a {
			return a
		}
		return find(root[a])
	}
	for _, e := range s.equal {
		root[find(e[0])] = find(e[1])
	}
	for i, rel := range spread {
		for _, other := range spread[:i] {
			if rel.bracket && other.bracket || rel.bracket && other.by == customer || other.bracket && rel.by == customer {
				if find(rel.alias) == find(other.alias) {
					continue
				}
			}
			switch {
			case rel.bracket || other.bracket:
				r.breach("%s and %s are not joined on customer_id: keep one aside by with … as materialized", other.alias, rel.alias)
			case rel.by != other.by:
				r.breach("%s and %s are spread by different columns: fetch the key first, or with … as materialized", other.table, rel.table)
			case find(rel.alias) != find(other.alias):
				r.breach("%s and %s are not joined on %s", other.table, rel.table, rel.by)
			}
		}
	}
}

// correlated judges a select in brackets that names relations around it.
func (r *reader) correlated(in *pg.SelectStmt, outer *scope) {
	if in == nil || !r.spread(in, outer) {
		return
	}
	named := outerNames(r, in, outer)
	if len(named) == 0 {
		return
	}
	if !outer.anySpread() {
		r.breach("a subquery over customers is correlated with a small table: join grouped subqueries instead")
		return
	}
	if !r.equatesOwners(in, outer) {
		r.breach("a subquery is correlated with %s, not on what both are spread by", strings.Join(named, ", "))
	}
}

// outerNames are the relations of outer that a select names by qualified
// columns and does not have itself.
func outerNames(r *reader, in *pg.SelectStmt, outer *scope) (found []string) {
	own := map[string]bool{}
	walk(in.ProtoReflect(), func(m protoreflect.Message) {
		if v, ok := m.Interface().(*pg.RangeVar); ok {
			own[v.Relname] = true
			if v.Alias != nil {
				own[v.Alias.Aliasname] = true
			}
		}
		if v, ok := m.Interface().(*pg.RangeSubselect); ok {
			own[v.Alias.GetAliasname()] = true
		}
	})
	walk(in.ProtoReflect(), func(m protoreflect.Message) {
		c, ok := m.Interface().(*pg.ColumnRef)
		if !ok {
			return
		}
		q, _ := columnOf(c)
		if q != "" && !own[q] && !slices.Contains(found, q) {
			for s := outer; s != nil; s = s.outer {
				if slices.ContainsFunc(s.rels, func(rel relation) bool { return rel.alias == q }) {
					found = append(found, q)
					break
				}
			}
		}
	})
	return found
}

// equatesOwners looks for x.customer_id = outer.customer_id anywhere in a
// select, or the same of another column that both sides are spread by.
func (r *reader) equatesOwners(in *pg.SelectStmt, outer *scope) (found bool) {
	owners := map[string]bool{} // columns that tables of the select are spread by
	for table := range names(in) {
		owners[r.tables[table].By] = true
		if _, known := outer.lookup(table); known {
			owners[customer] = true
		}
	}
	isOuter := func(n *pg.Node) string {
		q, name := column(n)
		for s := outer; s != nil; s = s.outer {
			for _, rel := range s.rels {
				if rel.alias == q && rel.by == name {
					return name
				}
			}
		}
		return ""
	}
	pair := func(a, b *pg.Node) bool {
		name := isOuter(a)
		_, own := column(b)
		return name != "" && own == name && isOuter(b) == "" && owners[name]
	}
	either := func(a, b *pg.Node) { found = found || pair(a, b) || pair(b, a) }
	walk(in.ProtoReflect(), func(m protoreflect.Message) {
		e, ok := m.Interface().(*pg.A_Expr)
		if !ok || op(e) != "=" {
			return
		}
		either(e.Lexpr, e.Rexpr)
		if l, r := e.Lexpr.GetRowExpr(), e.Rexpr.GetRowExpr(); l != nil && r != nil {
			for i := range min(len(l.Args), len(r.Args)) {
				either(l.Args[i], r.Args[i])
			}
		}
	})
	return found
}

func op(e *pg.A_Expr) string {
	if len(e.Name) == 0 {
		return ""
	}
	return e.Name[len(e.Name)-1].GetString_().GetSval()
}

// column is the qualifier and name of a column, or "".
func column(n *pg.Node) (qualifier, name string) {
	if c := n.GetColumnRef(); c != nil {
		return columnOf(c)
	}
	return "", ""
}

func columnOf(c *pg.ColumnRef) (qualifier, name string) {
	for i, f := range c.Fields {
		s := f.GetString_().GetSval()
		if i == len(c.Fields)-1 {
			name = s
		} else {
			qualifier = s
		}
	}
	return qualifier, name
}

// value names a parameter or constant, so that equal ones have one name.
func value(n *pg.Node) string {
	switch v := n.GetNode().(type) {
	case *pg.Node_TypeCast:
		return value(v.TypeCast.Arg)
	case *pg.Node_ParamRef:
		return fmt.Sprint("$", v.ParamRef.Number)
	case *pg.Node_AConst:
		return fmt.Sprint("constant ", v.AConst.GetIval().GetIval(), v.AConst.GetSval().GetSval())
	}
	return fmt.Sprintf("%p", n) // equal to nothing else
}

// names are the tables and names of with that a select mentions anywhere.
func names(s *pg.SelectStmt) iter.Seq[string] {
	return func(yield func(string) bool) {
		var all []string
		walk(s.ProtoReflect(), func(m protoreflect.Message) {
			if v, ok := m.Interface().(*pg.RangeVar); ok {
				all = append(all, v.Relname)
			}
		})
		for _, n := range all {
			if !yield(n) {
				return
			}
		}
	}
}

func mentions(s *pg.SelectStmt, name string) bool {
	for n := range names(s) {
		if n == name {
			return true
		}
	}
	return false
}

func hasSublink(nodes ...*pg.Node) (found bool) {
	for _, n := range nodes {
		walkSublinks(n, func(*pg.SelectStmt) { found = true })
	}
	return found
}

// walkSublinks calls f for each select in brackets below n, and not for those
// within it.
func walkSublinks(n *pg.Node, f func(*pg.SelectStmt)) {
	if n == nil {
		return
	}
	var down func(m protoreflect.Message)
	down = func(m protoreflect.Message) {
		if s, ok := m.Interface().(*pg.SubLink); ok {
			f(s.Subselect.GetSelectStmt())
			if s.Testexpr != nil {
				down(s.Testexpr.ProtoReflect())
			}
			return
		}
		children(m, down)
	}
	down(n.ProtoReflect())
}

// walk calls f for m and every message below it.
func walk(m protoreflect.Message, f func(protoreflect.Message)) {
	f(m)
	children(m, func(c protoreflect.Message) { walk(c, f) })
}

func children(m protoreflect.Message, f func(protoreflect.Message)) {
	m.Range(func(d protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case d.Message() == nil:
		case d.IsList():
			for i := range v.List().Len() {
				f(v.List().Get(i).Message())
			}
		default:
			f(v.Message())
		}
		return true
	})
}
