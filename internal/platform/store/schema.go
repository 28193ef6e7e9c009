package store

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Schema tells what the live database holds, in one text that is the same on
// every engine: tables with their columns in our types, keys, unique rules,
// indexes, foreign keys and checks. The migration runner's own table and the
// engines' inner ones are left out.
func Schema(ctx context.Context, db *DB) (string, error) {
	read := postgresSchema
	if db.engine == sqliteEngine {
		read = sqliteSchema
	}
	tables, err := read(ctx, db)
	if err != nil {
		return "", fmt.Errorf("read the schema of %s: %w", db.Name(), err)
	}
	slices.SortFunc(tables, func(a, b table) int { return strings.Compare(a.name, b.name) })
	var b strings.Builder
	for _, t := range tables {
		t.write(&b)
	}
	return b.String(), nil
}

type table struct {
	name    string
	columns []column
	key     []string
	rules   []string // unique rules, indexes, foreign keys and checks, as they are shown
}

type column struct {
	name, kind string
	notNull    bool
	def        string // its default, or ""
}

func (t table) write(b *strings.Builder) {
	fmt.Fprintf(b, "table %s\n", t.name)
	for _, c := range t.columns {
		fmt.Fprintf(b, "\t%s %s", c.name, c.kind)
		// A primary key is never null; SQLite does not always say so.
		if c.notNull || slices.Contains(t.key, c.name) {
			b.WriteString(" not null")
		}
		if c.def != "" {
			b.WriteString(" default " + plain(c.def))
		}
		b.WriteByte('\n')
	}
	if len(t.key) > 0 {
		fmt.Fprintf(b, "\tprimary key (%s)\n", strings.Join(t.key, ", "))
	}
	slices.Sort(t.rules)
	for _, r := range t.rules {
		b.WriteString("\t" + r + "\n")
	}
	b.WriteByte('\n')
}

func indexRule(name string, unique bool, terms []string, where string) string {
	var b strings.Builder
	if unique {
		b.WriteString("unique ")
	}
	for i := range terms {
		terms[i] = plain(terms[i])
	}
	fmt.Fprintf(&b, "index %s (%s)", name, strings.Join(terms, ", "))
	if where != "" {
		b.WriteString(" where " + plain(where))
	}
	return b.String()
}

var (
	castTo    = regexp.MustCompile(`::[a-z ]+(\[\])?`)
	anyOf     = regexp.MustCompile(`= any \(?array\[([^\]]*)\]\)?`)
	blanks    = regexp.MustCompile(`\s+`)
	operators = regexp.MustCompile(`\s*(<=|>=|<>|=|<|>|,)\s*`)
	ascending = regexp.MustCompile(`\s+asc$`)
)

// plain writes an expression the way both engines can agree on: PostgreSQL
// gives back what it understood, SQLite what was typed.
func plain(e string) string {
	e = strings.ToLower(blanks.ReplaceAllString(strings.TrimSpace(e), " "))
	e = castTo.ReplaceAllString(e, "")
	e = strings.ReplaceAll(e, "!=", "<>")
	e = anyOf.ReplaceAllString(e, "in ($1)")
	e = withoutGroups(e)
	e = operators.ReplaceAllString(e, " $1 ")
	e = strings.ReplaceAll(e, " , ", ", ")
	e = ascending.ReplaceAllString(e, "")
	return strings.TrimSpace(blanks.ReplaceAllString(e, " "))
}

// withoutGroups takes out the brackets that only group; those of a function's
// call and of a list behind "in" stay.
func withoutGroups(e string) string {
	var b strings.Builder
	var keep []bool
	for i := 0; i < len(e); i++ {
		switch e[i] {
		case '\'':
			end := i + 1
			for end < len(e) && e[end] != '\'' {
				end++
			}
			b.WriteString(e[i:min(end+1, len(e))])
			i = end
			continue
		case '(':
			before := b.String()
			word := strings.HasSuffix(before, " in ") || strings.HasSuffix(before, " in") ||
				(before != "" && isWord(before[len(before)-1]) && !logical(lastWord(before)))
			keep = append(keep, word)
			if !word {
				continue
			}
		case ')':
			if len(keep) == 0 {
				continue
			}
			last := keep[len(keep)-1]
			keep = keep[:len(keep)-1]
			if !last {
				continue
			}
		}
		b.WriteByte(e[i])
	}
	return b.String()
}

func isWord(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}

func lastWord(s string) string {
	i := len(s)
	for i > 0 && isWord(s[i-1]) {
		i--
	}
	return s[i:]
}

func logical(word string) bool {
	switch word {
	case "and", "or", "not", "is", "like", "when", "then", "else", "case":
		return true
	}
	return false
}

// bracketed returns what stands between the first bracket of s and the one
// that closes it, and what follows.
func bracketed(s string) (inner, rest string) {
	start := strings.IndexByte(s, '(')
	if start < 0 {
		return "", s
	}
	depth, quoted := 0, false
	for i := start; i < len(s); i++ {
		switch {
		case s[i] == '\'':
			quoted = !quoted
		case quoted:
		case s[i] == '(':
			depth++
		case s[i] == ')':
			if depth--; depth == 0 {
				return s[start+1 : i], s[i+1:]
			}
		}
	}
	return s[start+1:], ""
}

// terms cuts a list at the commas that stand outside brackets and literals.
func terms(list string) []string {
	var all []string
	depth, quoted, start := 0, false, 0
	for i := 0; i < len(list); i++ {
		switch {
		case list[i] == '\'':
			quoted = !quoted
		case quoted:
		case list[i] == '(':
			depth++
		case list[i] == ')':
			depth--
		case list[i] == ',' && depth == 0:
			all = append(all, strings.TrimSpace(list[start:i]))
			start = i + 1
		}
	}
	if last := strings.TrimSpace(list[start:]); last != "" {
		all = append(all, last)
	}
	return all
}

// scanned reads every row of a query of up to five texts.
func scanned(ctx context.Context, q Querier, columns int, query string, args ...any) ([][5]string, error) {
	return All(ctx, q, func(rows *sql.Rows) ([5]string, error) {
		var row [5]string
		var null [5]sql.NullString
		into := make([]any, columns)
		for i := range columns {
			into[i] = &null[i]
		}
		err := rows.Scan(into...)
		for i := range columns {
			row[i] = null[i].String
		}
		return row, err
	}, query, args...)
}
