// Package citus holds statements against what a cluster of Citus can run,
// without one: it reads them with PostgreSQL's own parser and knows which
// tables are spread and by which column.
//
// Its one rule: what docs/sql.md says fails on Citus is a breach here. It is
// stricter than Citus where in doubt, and a real cluster has the last word.
package citus

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	parser "github.com/wasilibs/go-pgquery"
)

// Tables are all tables of the program: how each is spread, and its columns.
type Tables map[string]Table

// Table is one of them. By is the column it is spread by, "" when it is small:
// whole on each machine, or on one.
type Table struct {
	By      string
	Local   bool // on one machine
	Columns []string
}

var tag = regexp.MustCompile(`(?s)\bcreate table (\w+)\s*\(.*?;[ \t]*-- citus:(\w+)`)

// ReadTables reads the migrations: their tags and columns.
func ReadTables(migrations fs.FS) (Tables, error) {
	files, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		return nil, err
	}
	t := Tables{}
	for _, file := range files {
		if strings.HasSuffix(file, ".sqlite.sql") {
			continue
		}
		body, err := fs.ReadFile(migrations, file)
		if err != nil {
			return nil, err
		}
		if err := t.read(string(body)); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return t, nil
}

func (t Tables) read(script string) error {
	tree, err := parser.Parse(script)
	if err != nil {
		return err
	}
	for _, s := range tree.Stmts {
		if c := s.Stmt.GetCreateStmt(); c != nil {
			own := Table{}
			for _, e := range c.TableElts {
				if d := e.GetColumnDef(); d != nil {
					own.Columns = append(own.Columns, d.Colname)
				}
			}
			t[c.Relation.Relname] = own
		}
		if a := s.Stmt.GetAlterTableStmt(); a != nil {
			own := t[a.Relation.Relname]
			for _, c := range a.Cmds {
				if d := c.GetAlterTableCmd().GetDef().GetColumnDef(); d != nil {
					own.Columns = append(own.Columns, d.Colname)
				}
			}
			t[a.Relation.Relname] = own
		}
	}
	for _, m := range tag.FindAllStringSubmatch(script, -1) {
		own := t[m[1]]
		switch m[2] {
		case "local":
			own.Local = true
		case "reference":
		default:
			own.By = m[2]
		}
		t[m[1]] = own
	}
	return nil
}

// customer is the column by which rows of customers are spread; tables spread
// by it lie together.
const customer = "customer_id"

// Breaches says what of a statement a cluster would refuse.
func (t Tables) Breaches(statement string) ([]string, error) {
	tree, err := parser.Parse(statement)
	if err != nil {
		return nil, err
	}
	r := &reader{tables: t}
	for _, s := range tree.Stmts {
		r.statement(s.Stmt)
	}
	slices.Sort(r.breaches)
	return slices.Compact(r.breaches), nil
}

type reader struct {
	tables   Tables
	breaches []string
}

func (r *reader) breach(format string, args ...any) {
	r.breaches = append(r.breaches, fmt.Sprintf(format, args...))
}

func (r *reader) statement(n *pg.Node) {
	switch s := n.GetNode().(type) {
	case *pg.Node_SelectStmt:
		r.selects(s.SelectStmt, nil)
	case *pg.Node_InsertStmt:
		r.inserts(s.InsertStmt)
	case *pg.Node_UpdateStmt:
		u := s.UpdateStmt
		r.with(u.WithClause, nil)
		own := r.tables[u.Relation.Relname]
		for _, set := range u.TargetList {
			if name := set.GetResTarget().GetName(); own.By != "" && name == own.By {
				r.breach("%s lies where its %s says: insert anew and delete, instead of changing it", u.Relation.Relname, name)
			}
		}
		r.changes(u.Relation, u.FromClause, u.WhereClause, u.TargetList)
	case *pg.Node_DeleteStmt:
		r.with(s.DeleteStmt.WithClause, nil)
		r.changes(s.DeleteStmt.Relation, s.DeleteStmt.UsingClause, s.DeleteStmt.WhereClause, nil)
	case *pg.Node_MergeStmt:
		r.breach("merge is not used")
	}
}

// changes looks at an update or a delete as at a select of what it reads.
func (r *reader) changes(target *pg.RangeVar, from []*pg.Node, where *pg.Node, list []*pg.Node) {
	sc := newScope(nil)
	r.relation(sc, target, nil)
	for _, f := range from {
		r.from(sc, f)
	}
	r.level(sc, where, list)
}

func (r *reader) inserts(s *pg.InsertStmt) {
	r.with(s.WithClause, nil)
	own := r.tables[s.Relation.Relname]
	if c := s.OnConflictClause; c != nil && own.By != "" {
		r.conflict(s.Relation.Relname, own.By, c)
	}
	in := s.SelectStmt.GetSelectStmt()
	if in == nil {
		return
	}
	if len(in.ValuesLists) > 0 {
		if own.By != "" && hasSublink(in.ValuesLists...) {
			r.breach("insert into %s … values with a subquery in them: read first, or insert … select", s.Relation.Relname)
		}
		return
	}
	r.selects(in, nil)
}

func (r *reader) conflict(table, by string, c *pg.OnConflictClause) {
	if c.Infer != nil && !slices.ContainsFunc(c.Infer.IndexElems, func(e *pg.Node) bool { return e.GetIndexElem().GetName() == by }) {
		r.breach("on conflict of %s does not name %s, by which its rows are spread", table, by)
	}
	if hasSublink(c.TargetList...) {
		r.breach("on conflict of %s sets something to a subquery: read first", table)
	}
}

func (r *reader) with(w *pg.WithClause, outer *scope) *scope {
	sc := newScope(outer)
	if w == nil {
		return sc
	}
	for _, n := range w.Ctes {
		c := n.GetCommonTableExpr()
		body := c.Ctequery.GetSelectStmt()
		if body == nil {
			r.breach("with %s changes rows: changes stand alone", c.Ctename)
			continue
		}
		sc.named[c.Ctename] = c.Ctematerialized == pg.CTEMaterialize_CTEMaterializeAlways || !r.spread(body, sc)
		if w.Recursive && r.spread(body, sc) && mentions(body, c.Ctename) {
			r.breach("with recursive %s reads spread tables", c.Ctename)
		}
		r.selects(body, sc)
	}
	return sc
}

// selects looks at one select and all within it.
func (r *reader) selects(s *pg.SelectStmt, outer *scope) {
	if s == nil {
		return
	}
	sc := r.with(s.WithClause, outer)
	if s.Larg != nil {
		r.selects(s.Larg, sc)
		r.selects(s.Rarg, sc)
		return
	}
	for _, f := range s.FromClause {
		r.from(sc, f)
	}
	if len(s.DistinctClause) > 0 && s.DistinctClause[0].GetNode() != nil {
		r.breach("distinct on is not used")
	}
	for _, g := range s.GroupClause {
		if g.GetGroupingSet() != nil {
			r.breach("grouping sets, rollup and cube are not used")
		}
	}
	if len(s.LockingClause) > 0 && sc.anySpread() {
		r.breach("rows of spread tables are locked by updating them, not by for update")
	}
	list := slices.Concat(s.TargetList, s.GroupClause, s.SortClause, s.ValuesLists)
	if s.HavingClause != nil {
		list = append(list, s.HavingClause)
	}
	r.level(sc, s.WhereClause, list)
}

// level judges the relations of one level by its conditions, and what stands
// in brackets in them.
func (r *reader) level(sc *scope, where *pg.Node, list []*pg.Node) {
	sc.conditions(where)
	sc.judge(r)
	for _, n := range list {
		walkSublinks(n, func(in *pg.SelectStmt) {
			if sc.anySpread() && r.spread(in, sc) && len(outerNames(r, in, sc)) == 0 {
				r.breach("a select of spread tables shows what another one counts: ask twice")
			}
		})
	}
	for _, n := range append(list, append([]*pg.Node{where}, sc.on...)...) {
		walkSublinks(n, func(in *pg.SelectStmt) {
			r.correlated(in, sc)
			r.selects(in, sc)
		})
	}
}

// spread reports whether a select reads a table that is spread.
func (r *reader) spread(s *pg.SelectStmt, sc *scope) bool {
	for table := range names(s) {
		if materialized, known := sc.lookup(table); known {
			if !materialized {
				return true
			}
			continue
		}
		if r.tables[table].By != "" {
			return true
		}
	}
	return false
}
