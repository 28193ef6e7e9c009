package users

import (
	"html/template"
	"net/http"
	"strings"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// Lines of the audit log on a page, and read at once for a file.
const (
	auditPageSize  = 100
	auditFileSlice = 1000
)

type auditPage struct {
	Table  kit.Table
	Filter kit.Filter
}

// askedLines reads which lines the address asks for. What is no id or no day
// asks for nothing.
func askedLines(r *web.Request) Lines {
	q := r.URL.Query()
	f := Lines{Action: q.Get("action"), Subject: strings.TrimSpace(q.Get("subject")), Text: q.Get("q")}
	f.By, _ = id.ParseUser(q.Get("by"))
	f.Before, _ = id.Parse("aud", q.Get("after"))
	f.between(q.Get("from"), q.Get("to"), r.Print.Zone())
	return f
}

// between wants the lines of days, the last included. What is no day is left
// out.
func (f *Lines) between(from, to string, zone *time.Location) {
	if day, err := time.ParseInLocation(time.DateOnly, from, zone); err == nil {
		f.From = day
	}
	if day, err := time.ParseInLocation(time.DateOnly, to, zone); err == nil {
		f.To = day.AddDate(0, 0, 1)
	}
}

func showAudit(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		f := askedLines(r)
		f.Limit = auditPageSize + 1
		lines, err := AuditLog(r.Context(), db, f)
		if err != nil {
			return err
		}
		all, err := List(r.Context(), db)
		if err != nil {
			return err
		}
		actions, err := Actions(r.Context(), db)
		if err != nil {
			return err
		}
		t := auditTable(r, f)
		if len(lines) > auditPageSize {
			lines = lines[:auditPageSize]
			t.Next = id.Show("aud", lines[auditPageSize-1].ID)
		}
		names := namesOf(all)
		for _, l := range lines {
			t.Rows = append(t.Rows, kit.Row{Cells: l.cells(r, names)})
		}
		return r.Render(w, "users/audit.html", auditPage{Table: t, Filter: auditFilter(r, f, all, actions)})
	}
}

func auditTable(r *web.Request, f Lines) kit.Table {
	t := kit.Table{
		ID: "audit", Caption: r.T("users.audit.title"), First: f.Before == 0, Path: r.Href("/audit"), Query: r.URL.Query(),
		Export: kit.With(r.Href("/audit/export"), r.URL.Query(), "after", ""),
		Columns: []kit.Column{
			{Key: "at", Title: r.T("users.audit.at")}, {Key: "by", Title: r.T("users.audit.by")},
			{Key: "action", Title: r.T("users.audit.action")}, {Key: "subject", Title: r.T("users.audit.subject")},
			{Key: "values", Title: r.T("users.audit.values")},
		},
		Empty: kit.Empty{Icon: "history", Title: r.T("users.audit.empty"), Text: r.T("users.audit.empty.text")},
	}
	if f != (Lines{Limit: f.Limit}) {
		t.Empty.Title, t.Empty.Text = r.T("users.audit.none"), r.T("users.audit.none.text")
	}
	return t
}

func auditFilter(r *web.Request, f Lines, all []User, actions []string) kit.Filter {
	q := r.URL.Query()
	by := kit.Field{Kind: "select", Name: "by", Label: r.T("users.audit.by"), Value: q.Get("by"),
		Choices: []kit.Option{{Value: "", Text: r.T("users.audit.everybody")}}}
	for _, u := range all {
		by.Choices = append(by.Choices, kit.Option{Value: u.ID.String(), Text: u.Name})
	}
	action := kit.Field{Kind: "select", Name: "action", Label: r.T("users.audit.action"), Value: f.Action,
		Choices: []kit.Option{{Value: "", Text: r.T("users.audit.everything")}}}
	for _, a := range actions {
		action.Choices = append(action.Choices, kit.Option{Value: a, Text: r.T("audit." + a)})
	}
	bar := kit.Filter{Path: r.Href("/audit"), Query: q, Search: r.T("users.audit.search"), Fields: []kit.Field{by, action},
		Range: &kit.Range{From: q.Get("from"), To: q.Get("to"), Presets: auditDays(r)}}
	if f.Subject != "" {
		bar.Keep = []string{"subject"}
		bar.Active = append(bar.Active, kit.Chip{Text: f.Subject, Name: "subject"})
	}
	return bar
}

func auditDays(r *web.Request) []kit.Preset {
	today := r.Now.In(r.Print.Zone())
	back := func(days int) string { return today.AddDate(0, 0, -days).Format(time.DateOnly) }
	return []kit.Preset{
		{Text: r.T("users.audit.today"), From: back(0), To: back(0)},
		{Text: r.T("users.audit.week"), From: back(6), To: back(0)},
		{Text: r.T("users.audit.month"), From: back(29), To: back(0)},
	}
}

func namesOf(all []User) map[string]string {
	names := map[string]string{}
	for _, u := range all {
		names[u.ID.String()] = u.Name
	}
	return names
}

// who is who did it, and whom is of whom or what, as a person reads it.
func (l Line) who(r *web.Request) string {
	if l.Name == "" {
		return r.T("users.audit.program")
	}
	return l.Name
}

func (l Line) whom(names map[string]string) string {
	if name, ok := names[l.Subject]; ok {
		return name
	}
	return l.Subject
}

func (l Line) cells(r *web.Request, names map[string]string) []any {
	var subject any = l.whom(names)
	if strings.HasPrefix(l.Subject, "cus_") || strings.HasPrefix(l.Subject, "usr_") {
		path := "/customers/"
		if strings.HasPrefix(l.Subject, "usr_") {
			path = "/staff/"
		}
		subject = template.HTML(`<a href="` + template.HTMLEscapeString(r.Href(path+l.Subject)) + `">` + template.HTMLEscapeString(l.whom(names)) + `</a>`)
	}
	return []any{r.Print.Time(l.At), l.who(r), r.T("audit." + l.Action), subject, l.shown()}
}

// shown is what stood in the fields before and after, or their names alone
// where that is not kept.
func (l Line) shown() template.HTML {
	if len(l.Values) == 0 {
		return template.HTML(template.HTMLEscapeString(strings.Join(l.Fields, ", ")))
	}
	var b strings.Builder
	b.WriteString(`<ul class="changes">`)
	for _, v := range l.Values {
		b.WriteString("<li><b>" + template.HTMLEscapeString(v.Field) + "</b> ")
		if v.Before != "" {
			b.WriteString("<del>" + template.HTMLEscapeString(v.Before) + "</del> ")
		}
		if v.After != "" {
			b.WriteString("<ins>" + template.HTMLEscapeString(v.After) + "</ins>")
		}
		b.WriteString("</li>")
	}
	return template.HTML(b.String() + "</ul>")
}
