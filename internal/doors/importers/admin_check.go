package importers

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
	"regulars/internal/platform/workspace"
)

type checkPage struct {
	Preview
	Import   Import
	Form     *web.Form
	Steps    kit.Steps
	Alerts   []kit.Alert
	Mapping  []columnLine
	Known    string // what the layout is called; empty: nobody knows the file
	Fold     bool   // the columns are known and all is well: they are shown on demand
	Facts    []kit.Term
	Told     kit.Table
	Raw      kit.Table
	Encoded  bool
	More     int // columns that are too many to be shown
	Tables   []kit.Option
	Currency []kit.Option
	Zone     []kit.Option

	Dates, Marks, Encodings []kit.Option
}

// mostColumns is how many columns the mapping screen shows.
const mostColumns = 200

// columnLine is a column of the file on the mapping screen.
type columnLine struct {
	Name     string // of the select
	Title    string
	Kind     string
	Examples string
	Error    string
	Choice   string
	Choices  []kit.Option
}

func (d door) showCheck(w http.ResponseWriter, r *web.Request, im Import) error {
	p, err := Check(r.Context(), d.db, im)
	if errs.Is(err, errs.Invalid) {
		// It opened when it came; tidied up since, or another encoding was
		// chosen that it is not in.
		return d.unreadable(w, r, im, err)
	}
	if err != nil {
		return err
	}
	f := r.NewForm()
	fill(f, p)
	return renderCheck(w, r, http.StatusOK, im, p, f)
}

func (d door) unreadable(w http.ResponseWriter, r *web.Request, im Import, err error) error {
	p := checkPage{Import: im, Form: r.NewForm()}
	p.Form.Wrong("", r.Print.Sentence(err))
	return r.RenderStatus(w, http.StatusUnprocessableEntity, "importers/unreadable.html", p)
}

// fill sets the fields of the form to what is chosen or proposed.
func fill(f *web.Form, p Preview) {
	s := p.Settings
	for i, name := range p.Header {
		f.Set(columnName(i), string(p.Columns[name]))
	}
	f.Set("currency", string(p.Currency)).Set("zone", p.Zone).Set("source", s.Source).Set("channel", s.Channel)
	f.Set("encoding", s.Encoding).Set("table", p.Format.Table).Set("dates", dateNames[s.Dates]).Set("mark", markNames[s.Mark])
	f.Set("shop-currency", string(p.Shop.Currency)).Set("shop-zone", p.Shop.Zone)
	if !p.Shop.Saved {
		f.Set("shop-currency", string(p.Currency)).Set("shop-zone", p.Zone)
	}
}

func columnName(i int) string { return fmt.Sprintf("column-%d", i) }

var (
	dateNames = map[sheet.DateOrder]string{sheet.OrderUnknown: "auto", sheet.DayFirst: "day", sheet.MonthFirst: "month", sheet.Serial: "serial"}
	markNames = map[sheet.Mark]string{sheet.NoMark: "auto", sheet.Point: "point", sheet.Comma: "comma"}
)

// keyOf is the key of a value in a map that names each once.
func keyOf[K comparable](m map[K]string, name string) (key K) {
	for k, v := range m {
		if v == name {
			return k
		}
	}
	return key
}

// encodings are those that a person can choose where the guess is wrong.
var encodings = []string{"", "utf-8", "windows-1250", "windows-1251", "windows-1252", "utf-16le", "utf-16be"}

// choose takes what was chosen on the check page: to look again, or to go.
func (d door) choose(w http.ResponseWriter, r *web.Request) error {
	im, err := d.named(r)
	if err != nil {
		return err
	}
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	if again := im.Settings; again.set(f) {
		// Another encoding or sheet has other columns: begin anew with it.
		err := d.db.Tx(r.Context(), func(tx *store.Tx) error { return mapped(r, tx, im.ID, again) })
		return d.after(w, r, im, err)
	}
	p, err := Check(r.Context(), d.db, im)
	if errs.Is(err, errs.Invalid) {
		return d.unreadable(w, r, im, err)
	}
	if err != nil {
		return err
	}
	p.Settings = readSettings(r, f, p)
	p.understand()
	if f.OK() && f.Value("do") != "start" {
		err := d.db.Tx(r.Context(), func(tx *store.Tx) error { return mapped(r, tx, im.ID, p.Settings) })
		return d.after(w, r, im, err)
	}
	place := Place{money.Currency(f.Text("shop-currency", 3)), f.Text("shop-zone", 64)}
	if p.AskDates {
		f.Wrong("dates", r.T("importers.dates.ask"))
	}
	if f.OK() {
		err := f.Take(d.db.Tx(r.Context(), func(tx *store.Tx) error {
			return Begin(r.Context(), tx, r.Staff.ID, im.ID, p.Header, p.Settings, place)
		}))
		if err != nil {
			return err
		}
	}
	if f.OK() {
		return r.Redirect(w, "/imports/"+im.ID.String())
	}
	return renderCheck(w, r, http.StatusUnprocessableEntity, im, p, f)
}

// mapped keeps how a file is read, and notes who said so.
func mapped(r *web.Request, tx *store.Tx, i id.Import, s Settings) error {
	if err := Choose(r.Context(), tx, i, s); err != nil {
		return err
	}
	return users.Audit(r.Context(), tx, users.Change{By: r.Staff.ID, Action: "import.mapped", Subject: i.String()})
}

// set takes another encoding or worksheet over, and reports whether it is one.
func (s *Settings) set(f *web.Form) bool {
	encoding, table := f.Value("encoding"), f.Value("table")
	if encoding == s.Encoding && (table == s.Table || table == "" || s.Table == "" && f.Value("table-was") == table) {
		return false
	}
	if !slices.Contains(encodings, encoding) {
		encoding = ""
	}
	*s = Settings{Encoding: encoding, Table: table}
	return true
}

func (d door) after(w http.ResponseWriter, r *web.Request, im Import, err error) error {
	if errs.Is(err, errs.Conflict) {
		r.Flash(w, "warn", r.Print.Sentence(err))
	} else if err != nil {
		return err
	}
	return r.Redirect(w, "/imports/"+im.ID.String())
}

// readSettings reads the form into settings.
func readSettings(r *web.Request, f *web.Form, p Preview) Settings {
	s := p.Settings
	s.Columns = map[Field]string{}
	for i, name := range p.Header {
		field := Field(f.Value(columnName(i)))
		switch {
		case field == "":
		case !slices.Contains(Fields, field):
			f.Wrong(columnName(i), r.T("web.form.choice"))
		case s.Columns[field] != "":
			f.Wrong(columnName(i), r.T("importers.column.twice", "Field", r.T("importers.field."+string(field)), "Column", s.Columns[field]))
		default:
			s.Columns[field] = name
		}
	}
	if i := slices.IndexFunc(Layouts, func(l Layout) bool { return l.Name == s.Layout }); i >= 0 {
		for field, own := range Layouts[i].find(p.Header) {
			if s.Columns[field] == own {
				delete(s.Columns, field) // as the layout has it, with what stands in for it
			} else if s.Columns[field] == "" {
				s.Columns[field] = "" // the layout's own choice was taken away
			}
		}
	}
	s.Currency = money.Currency(f.Text("currency", 3))
	if _, err := money.ParseCurrency(string(s.Currency)); err != nil {
		f.Wrong("currency", r.T("web.form.choice"))
	}
	s.Zone = f.Text("zone", 64)
	if _, err := time.LoadLocation(s.Zone); err != nil || s.Zone == "" || s.Zone == "Local" {
		f.Wrong("zone", r.T("web.form.choice"))
	}
	s.Source, s.Channel = f.Text("source", 40), f.Text("channel", 40)
	s.Dates, s.Mark = keyOf(dateNames, f.Value("dates")), keyOf(markNames, f.Value("mark"))
	return s
}

func renderCheck(w http.ResponseWriter, r *web.Request, status int, im Import, p Preview, f *web.Form) error {
	page := checkPage{
		Preview: p, Import: im, Form: f, Encoded: p.Format.Kind != "xlsx",
		Currency: workspace.CurrencyOptions(), Zone: workspace.ZoneOptions(p.Shop.Country, f.Value("zone")),
		Steps: kit.Steps{Label: r.T("importers.steps"), Steps: []kit.Step{
			{Text: r.T("importers.step.upload"), State: "done"}, {Text: r.T("importers.step.check"), State: "now"}, {Text: r.T("importers.step.run"), State: "next"},
		}},
	}
	if p.Settings.Layout != Mapping {
		page.Known = layoutText(r, p.Settings.Layout)
		page.Fold = p.Wrong == nil && f.OK()
	}
	if len(p.Format.Tables) > 1 {
		for _, t := range p.Format.Tables {
			page.Tables = append(page.Tables, kit.Option{Value: t, Text: t})
		}
	}
	option := func(key, value string) kit.Option { return kit.Option{Value: value, Text: r.T(key + value)} }
	page.Dates = []kit.Option{option("importers.dates.", "auto"), option("importers.dates.", "day"), option("importers.dates.", "month")}
	page.Marks = []kit.Option{option("importers.mark.", "auto"), option("importers.mark.", "point"), option("importers.mark.", "comma")}
	for _, e := range encodings {
		page.Encodings = append(page.Encodings, kit.Option{Value: e, Text: e})
	}
	page.Encodings[0].Text = r.T("importers.encoding.auto")
	page.Alerts = alerts(r, p)
	page.Facts = aboutFile(r, im, p)
	page.mapping(r)
	page.Told = toldTable(r, p)
	page.Raw = rawTable(r, p)
	return r.RenderStatus(w, status, "importers/check.html", page)
}

// alerts is what to know before going on.
func alerts(r *web.Request, p Preview) []kit.Alert {
	var all []kit.Alert
	add := func(tone kit.Tone, key string, args ...any) {
		all = append(all, kit.Alert{Tone: tone, Title: r.T(key+"title", args...), Text: r.T(key+"text", args...)})
	}
	if p.Before.ID != 0 {
		add(kit.Warn, "importers.warn.before.", "When", r.Print.Time(p.Before.CreatedAt))
		all[len(all)-1].Action = kit.Link{Href: r.Href("/imports/" + p.Before.ID.String()), Text: r.T("importers.warn.before.see")}
	}
	if p.Wrong != nil {
		all = append(all, kit.Alert{Tone: kit.Warn, Title: r.T("importers.warn.mapping"), Text: r.Print.Sentence(p.Wrong)})
	}
	if p.AskDates {
		add(kit.Warn, "importers.warn.dates.")
	}
	if p.NoRate != "" {
		add(kit.Warn, "importers.warn.rate.", "Currency", string(p.NoRate), "Base", string(p.Shop.Currency))
		all[len(all)-1].Action = kit.Link{Href: r.Href("/orders/rates"), Text: r.T("importers.warn.rate.see")}
	}
	if p.Profile.Ended != nil {
		all = append(all, kit.Alert{Tone: kit.Warn, Title: r.T("importers.warn.ended"), Text: r.Print.Sentence(p.Profile.Ended)})
	}
	if n := p.Profile.Ragged; n > 0 {
		all = append(all, kit.Alert{Tone: kit.Plain, Text: r.Print.N("importers.warn.ragged", n)})
	}
	if n := p.Profile.BadRows; n > 0 {
		all = append(all, kit.Alert{Tone: kit.Warn, Text: r.Print.N("importers.warn.bad", n)})
	}
	for _, notice := range p.Notices {
		all = append(all, kit.Alert{Tone: kit.Plain, Text: r.Print.Sentence(notice)})
	}
	return all
}

func aboutFile(r *web.Request, im Import, p Preview) []kit.Term {
	kind := map[string]string{"csv": "CSV", "xlsx": "XLSX", "columns": r.T("importers.kind.columns"), "vcard": r.T("importers.kind.vcard")}[p.Format.Kind]
	terms := []kit.Term{
		{Name: r.T("importers.size"), Value: r.Print.Bytes(im.Size)},
		{Name: r.T("importers.kind"), Value: strings.Trim(kind+", "+p.Format.Packing, ", ")},
		{Name: r.T("importers.columns"), Value: r.Print.Int(int64(len(p.Header)))},
	}
	if p.Format.Encoding != "" {
		terms = append(terms, kit.Term{Name: r.T("importers.encoding"), Value: p.Format.Encoding})
	}
	if p.Profile.Whole {
		terms = append(terms, kit.Term{Name: r.T("importers.rows"), Value: r.Print.Int(int64(p.Profile.Read))})
	}
	return terms
}

// mapping makes a line of every column of the file.
func (p *checkPage) mapping(r *web.Request) {
	choices := []kit.Option{{Text: r.T("importers.field.none")}}
	for _, field := range Fields {
		choices = append(choices, kit.Option{Value: string(field), Text: r.T("importers.field." + string(field))})
	}
	p.More = max(0, len(p.Header)-mostColumns)
	for i, name := range p.Header[:len(p.Header)-p.More] {
		line := columnLine{Name: columnName(i), Title: name, Choice: p.Form.Value(columnName(i)), Choices: choices, Error: p.Form.ErrorOf(columnName(i))}
		if i < len(p.Profile.Columns) {
			c := p.Profile.Columns[i]
			line.Kind = r.T("importers.cells." + string(c.Kind))
			line.Examples = strings.Join(c.Examples[:min(3, len(c.Examples))], " · ")
		}
		p.Mapping = append(p.Mapping, line)
	}
}

// toldTable says what the first rows mean.
func toldTable(r *web.Request, p Preview) kit.Table {
	t := kit.Table{ID: "told", Caption: r.T("importers.told"), Path: r.URL.Path, First: true, Dense: true, Columns: []kit.Column{
		{Key: "line", Title: r.T("importers.line"), Number: true}, {Key: "order", Title: r.T("importers.told.order")},
		{Key: "when", Title: r.T("importers.told.when")}, {Key: "who", Title: r.T("importers.told.who")},
		{Key: "what", Title: r.T("importers.told.what")}, {Key: "quantity", Title: r.T("importers.field.quantity"), Number: true},
		{Key: "total", Title: r.T("importers.told.total"), Number: true},
	}, Empty: kit.Empty{Icon: "columns", Title: r.T("importers.told.empty"), Text: r.T("importers.told.empty.text")}}
	for _, told := range p.Records {
		if told.Record.Contract != nil {
			t.Columns[1].Title = r.T("importers.told.subscription")
		}
		t.Rows = append(t.Rows, toldRow(r, told))
	}
	return t
}

func toldRow(r *web.Request, told Told) kit.Row {
	rec := told.Record
	line := r.Print.Int(rec.Line)
	if told.Bad != nil {
		return kit.Row{Tone: kit.Bad, Cells: []any{line, kit.Badge(kit.Bad, r.T("importers.told.bad")), "", "", tableText(r.Print, told.Bad), "", ""}}
	}
	p := rec.Person
	who := strings.Join(slices.DeleteFunc([]string{p.Name, strings.TrimSpace(p.Given + " " + p.Family), p.Email, p.Phone, p.External, p.Card, p.Country},
		func(s string) bool { return s == "" }), ", ")
	switch {
	case rec.Part:
		who = ""
	case !p.known():
		who = r.T("importers.told.nobody")
	}
	if c := rec.Contract; c != nil {
		return contractRow(r, line, who, c)
	}
	if rec.At.IsZero() && !rec.Part {
		return kit.Row{Cells: []any{line, r.T("importers.told.customer"), "", who, strings.Join(words(r, rec), ", "), "", ""}}
	}
	number := any(rec.Number)
	if rec.Return {
		number = r.T("importers.told.return", "Number", rec.Number)
	}
	total, pieces := int64(0), int64(0)
	var what []string
	for _, i := range rec.items() {
		if l, err := i.line(nil, rec.Currency); err == nil {
			total += l.Total
		}
		pieces += i.Quantity
		what = append(what, i.String())
	}
	if rec.Whole != nil {
		total = *rec.Whole
	}
	when := ""
	if !rec.Part {
		when = r.Print.Time(rec.At)
	}
	return kit.Row{Cells: []any{line, number, when, who, text.Short(strings.Join(what, ", "), 200), r.Print.Decimal(float64(pieces)/1000, -1),
		r.Print.Money(money.Amount{Minor: total, Currency: rec.Currency})}}
}

// contractRow says what a row tells of a subscription.
func contractRow(r *web.Request, line, who string, c *Contract) kit.Row {
	id := c.External
	if c.made {
		id = "–"
	}
	what := []string{c.Plan, r.T("orders.subscription.status." + c.Status)}
	if !c.CancelAt.IsZero() {
		what = append(what, r.T("importers.told.until", "Day", r.Print.Day(c.CancelAt.In(r.Print.Zone()).Format(time.DateOnly))))
	}
	if !c.EndedAt.IsZero() {
		what = append(what, r.T("importers.told.until", "Day", r.Print.Day(c.EndedAt.In(r.Print.Zone()).Format(time.DateOnly))))
	}
	what = slices.DeleteFunc(what, func(s string) bool { return s == "" })
	return kit.Row{Cells: []any{line, id, r.Print.Time(c.StartedAt), who, text.Short(strings.Join(what, ", "), 200), r.Print.Int(c.Quantity),
		r.Print.Money(c.Price()) + " " + r.Print.N("orders.per."+c.Unit, int(c.Every))}}
}

// words are what a row tells of a person beside who they are.
func words(r *web.Request, rec Record) (said []string) {
	for _, w := range rec.Words {
		key := "importers.told.declined."
		if w.Given {
			key = "importers.told.agreed."
		}
		said = append(said, r.T(key+w.Channel))
	}
	if rec.Bounced != nil {
		said = append(said, r.T("importers.told.unreachable"))
	}
	return said
}

// rawTable shows the first rows as they are.
func rawTable(r *web.Request, p Preview) kit.Table {
	t := kit.Table{ID: "raw", Caption: r.T("importers.raw"), Path: r.URL.Path, First: true, Dense: true}
	const shownColumns = 40
	for i, name := range p.Header[:min(len(p.Header), shownColumns)] {
		t.Columns = append(t.Columns, kit.Column{Key: columnName(i), Title: name})
	}
	for _, cells := range p.Profile.Rows[:min(len(p.Profile.Rows), 10)] {
		row := kit.Row{}
		for i := range t.Columns {
			cell := ""
			if i < len(cells) {
				cell = cells[i]
			}
			row.Cells = append(row.Cells, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
