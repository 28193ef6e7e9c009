package importers

import (
	"context"
	"math"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
)

// API is what programs can do with imports.
func API(db *store.DB) []rest.Operation {
	d := door{db}
	op := rest.Operations("imports", web.Manager, web.Manager)
	upload := op("POST /imports", "uploadImport", "Upload a file").And("POST /imports", web.Manager,
		"The body is the file itself: CSV or XLSX, as any shop exports it. Nothing is written yet: read how it is understood with checkImport, then startImport.").Making()
	upload.Takes, upload.MaxBody = "application/octet-stream", MaxUpload
	return []rest.Operation{
		rest.Op(op("GET /imports", "listImports", "List imports, the newest first"), d.apiList),
		rest.Op(upload, d.apiUpload),
		rest.Op(op("GET /imports/{import}", "getImport", "Read how an import stands"), d.apiShow),
		rest.Op(op("PATCH /imports/{import}", "changeImport", "Change how an uploaded file is to be read").And("", web.Manager,
			"A JSON merge patch of its settings, until it is started: what is left out stays as chosen, or as proposed. Another worksheet or encoding begins anew. "+
				"Read with checkImport what it comes to. Once it is started nothing of an import can be changed: it is stopped and undone at the addresses below."), d.apiChange),
		rest.Op(op("GET /imports/{import}/check", "checkImport", "Read how an uploaded file is understood"), d.apiCheck),
		rest.Op(op("POST /imports/{import}/start", "startImport", "Bring an uploaded file in").And("POST /imports/{import}", web.Manager,
			"Send the settings of checkImport, changed where they are wrong; left out, the file is read as proposed."), d.apiStart),
		rest.Op(op("POST /imports/{import}/continuation", "continueImport", "Go on with an import that stopped").And("POST /imports/{import}/continuation", web.Manager, ""), d.apiDo(Start)),
		rest.Op(op("POST /imports/{import}/stop", "stopImport", "Halt an import").And("POST /imports/{import}/stop", web.Manager, "What is in stays."), d.apiDo(Stop)),
		rest.Op(op("POST /imports/{import}/undoing", "undoImport", "Take back all that an import brought").And("POST /imports/{import}/undoing", web.Manager, ""), d.apiDo(Undo)),
		rest.Op(op("DELETE /imports/{import}", "removeImport", "Take away an upload that was not started").And("POST /imports/{import}/removal", web.Manager, "").Repeating(), d.apiRemove),
		rest.Op(op("GET /imports/{import}/bad-rows", "listBadRows", "List the rows that were left out, with their reason"), d.apiBad),
	}
}

// apiImport is a file on its way in.
type apiImport struct {
	ID         id.Import  `json:"id"`
	File       string     `json:"file"`
	State      string     `json:"state" enum:"waiting,running,complete,failed,stopped,undoing,undone"`
	Done       float64    `json:"done" doc:"The share that is in, 0 to 1"`
	Rows       int64      `json:"rows" doc:"Rows done"`
	Bad        int64      `json:"rows_bad"`
	New        int64      `json:"orders_new"`
	Changed    int64      `json:"orders_changed"`
	Same       int64      `json:"orders_same"`
	Lines      int64      `json:"lines_new"`
	Customers  int64      `json:"customers_new"`
	Subscribed int        `json:"subscriptions_new"`
	Altered    int        `json:"subscriptions_changed"`
	Unaltered  int        `json:"subscriptions_same"`
	Failure    string     `json:"failure" doc:"Why it failed, for a person"`
	Settings   apiReading `json:"settings" doc:"How it is read, once that was chosen: until then checkImport proposes it"`
	CreatedAt  time.Time  `json:"created_at"`
	StartedAt  *time.Time `json:"started_at,omitempty"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
}

func shownImport(c *rest.Call, i Import) apiImport {
	a := apiImport{ID: i.ID, File: i.File, State: string(i.State), Done: i.Done(), Rows: i.Position, Bad: i.Counts.Bad, New: i.Counts.New,
		Changed: i.Counts.Changed, Same: i.Counts.Same, Lines: i.Counts.Lines, Customers: i.Counts.Customers,
		Subscribed: i.Counts.Subscriptions.New, Altered: i.Counts.Subscriptions.Changed, Unaltered: i.Counts.Subscriptions.Same,
		Settings: shownSettings(i.Settings), CreatedAt: i.CreatedAt}
	if i.Failure != nil {
		a.Failure = c.Sentence(i.Failure)
	}
	if !i.StartedAt.IsZero() {
		a.StartedAt = &i.StartedAt
	}
	if !i.FinishedAt.IsZero() {
		a.FinishedAt = &i.FinishedAt
	}
	return a
}

func (d door) apiList(c *rest.Call, in *rest.Short[apiImport]) (*rest.Listing[apiImport], error) {
	after := id.Import(math.MaxInt64)
	if err := rest.ReadCursor(in.After, &after); err != nil {
		return nil, err
	}
	all, err := Older(c.Context(), d.db, after, in.Limit+1)
	all, next := rest.Next(in.Page, all, func(i Import) any { return i.ID })
	return rest.Pageful(all, next, func(i Import) apiImport { return shownImport(c, i) }), err
}

type apiImportOf struct {
	Import rest.ID[id.Import] `path:"import"`
}

func (d door) apiShow(c *rest.Call, in *struct {
	Import rest.ID[id.Import] `path:"import"`
	rest.Fields[apiImport]
}) (*rest.One[apiImport], error) {
	i, err := ByID(c.Context(), d.db, in.Import.Of)
	return rest.Show(c, shownImport(c, i), err)
}

type apiUploadInput struct {
	File string `query:"file" maxLength:"120" doc:"What the file is called" example:"orders.csv"`
}

func (d door) apiUpload(c *rest.Call, in *apiUploadInput) (*rest.One[apiImport], error) {
	i, err := Spool(c.Context(), d.db, Import{File: fileName(in.File), CreatedBy: c.Staff.ID}, c.Body)
	if err == nil {
		err = d.opens(c.Request, i)
	}
	if err != nil {
		return nil, err
	}
	var im Import
	err = c.Write(d.db, func(ctx context.Context, tx *store.Tx) (err error) {
		if im, err = ByID(ctx, tx, i); err != nil {
			return err
		}
		return users.Audit(ctx, tx, users.Change{By: c.Staff.ID, Action: "import.uploaded", Subject: i.String()})
	})
	return rest.Show(c, shownImport(c, im), err)
}

// apiReading say how a file is read.
type apiReading struct {
	Layout   string            `json:"layout,omitempty" maxLength:"60" doc:"The shop whose export it is, or mapping"`
	Columns  map[string]string `json:"columns,omitempty" maxProperties:"60" doc:"Which column holds what: by field, the column's name"`
	Currency string            `json:"currency,omitempty" maxLength:"3"`
	Zone     string            `json:"zone,omitempty" maxLength:"64"`
	Dates    string            `json:"dates,omitempty" enum:"day,month,serial" doc:"What 3/4/2026 begins with, where the file does not show it"`
	Mark     string            `json:"mark,omitempty" enum:"point,comma" doc:"Before the cents, where the file does not show it"`
	Source   string            `json:"source,omitempty" maxLength:"60" doc:"Whose order numbers they are"`
	Channel  string            `json:"channel,omitempty" maxLength:"100"`
	Table    string            `json:"table,omitempty" maxLength:"100" doc:"The worksheet"`
	Encoding string            `json:"encoding,omitempty" maxLength:"20"`
}

func shownSettings(s Settings) apiReading {
	a := apiReading{Layout: s.Layout, Currency: string(s.Currency), Zone: s.Zone, Source: s.Source, Channel: s.Channel, Table: s.Table, Encoding: s.Encoding, Columns: map[string]string{}}
	for f, name := range s.Columns {
		a.Columns[string(f)] = name
	}
	if s.Dates != sheet.OrderUnknown {
		a.Dates = dateNames[s.Dates]
	}
	if s.Mark != sheet.NoMark {
		a.Mark = markNames[s.Mark]
	}
	return a
}

// over puts what a program sent over what was proposed.
func (a apiReading) over(s Settings) Settings {
	for _, v := range []struct {
		to   *string
		from string
	}{{&s.Layout, a.Layout}, {(*string)(&s.Currency), a.Currency}, {&s.Zone, a.Zone}, {&s.Source, a.Source}, {&s.Channel, a.Channel}, {&s.Table, a.Table}, {&s.Encoding, a.Encoding}} {
		if v.from != "" {
			*v.to = v.from
		}
	}
	if a.Dates != "" {
		s.Dates = keyOf(dateNames, a.Dates)
	}
	if a.Mark != "" {
		s.Mark = keyOf(markNames, a.Mark)
	}
	if len(a.Columns) > 0 {
		s.Columns = map[Field]string{}
		for f, name := range a.Columns {
			s.Columns[Field(f)] = name
		}
	}
	return s
}

// apiPreview is how a file is understood.
type apiPreview struct {
	Header   []string   `json:"header" doc:"The names of its columns"`
	Settings apiReading `json:"settings" doc:"As proposed, or as chosen before"`
	AskDates bool       `json:"ask_dates" doc:"Nobody can tell days from months: settings must say dates before it is started"`
}

func (d door) check(c *rest.Call, i id.Import) (Import, Preview, error) {
	im, err := ByID(c.Context(), d.db, i)
	if err != nil {
		return im, Preview{}, err
	}
	p, err := Check(c.Context(), d.db, im)
	return im, p, err
}

func (d door) apiCheck(c *rest.Call, in *struct {
	Import rest.ID[id.Import] `path:"import"`
	rest.Fields[apiPreview]
}) (*rest.One[apiPreview], error) {
	_, p, err := d.check(c, in.Import.Of)
	return rest.Show(c, apiPreview{append([]string{}, p.Header...), shownSettings(p.Settings), p.AskDates}, err)
}

type apiStartInput struct {
	Import rest.ID[id.Import] `path:"import"`
	Body   struct {
		Settings apiReading   `json:"settings,omitzero"`
		Place    apiMainPlace `json:"place,omitzero" doc:"The business's own currency and zone, while nobody has chosen them"`
	}
}

type apiMainPlace struct {
	Currency string `json:"currency,omitempty" maxLength:"3"`
	Zone     string `json:"zone,omitempty" maxLength:"64"`
}

func (d door) apiStart(c *rest.Call, in *apiStartInput) (*rest.One[apiImport], error) {
	im, p, err := d.check(c, in.Import.Of)
	if err != nil {
		return nil, err
	}
	p.Settings = in.Body.Settings.over(p.Settings)
	p.understand()
	if p.AskDates {
		return nil, errs.Wrong("settings/dates", "importers.dates.ask")
	}
	err = c.Write(d.db, func(ctx context.Context, tx *store.Tx) (err error) {
		if err := Begin(ctx, tx, c.Staff.ID, im.ID, p.Header, p.Settings, Place{money.Currency(in.Body.Place.Currency), in.Body.Place.Zone}); err != nil {
			return err
		}
		im, err = ByID(ctx, tx, im.ID)
		return err
	})
	return rest.Show(c, shownImport(c, im), err)
}

// apiDo does a verb to an import and answers with how it stands then.
func (d door) apiDo(verb func(ctx context.Context, tx *store.Tx, by id.User, i id.Import) error) func(c *rest.Call, in *apiImportOf) (*rest.One[apiImport], error) {
	return func(c *rest.Call, in *apiImportOf) (*rest.One[apiImport], error) {
		var im Import
		err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) (err error) {
			if im, err = ByID(ctx, tx, in.Import.Of); err != nil {
				return err
			}
			if err := verb(ctx, tx, c.Staff.ID, im.ID); err != nil {
				return err
			}
			im, err = ByID(ctx, tx, im.ID)
			return err
		})
		return rest.Show(c, shownImport(c, im), err)
	}
}

func (d door) apiRemove(c *rest.Call, in *struct {
	Import rest.ID[id.Import] `path:"import"`
	rest.IfMatch
}) (*rest.None, error) {
	im, err := ByID(c.Context(), d.db, in.Import.Of)
	if err == nil {
		err = in.Check(shownImport(c, im))
	}
	if err != nil {
		return nil, err
	}
	return nil, Remove(c.Context(), d.db, im.ID, c.Staff.ID)
}

// apiBadRow is a row that was left out.
type apiBadRow struct {
	Line   int64    `json:"line"`
	Column string   `json:"column" doc:"Empty: the row as a whole"`
	Reason string   `json:"reason"`
	Cells  []string `json:"cells"`
}

type apiBadInput struct {
	Import rest.ID[id.Import] `path:"import"`
	rest.Short[apiBadRow]
}

func (d door) apiBad(c *rest.Call, in *apiBadInput) (*rest.Listing[apiBadRow], error) {
	var after int64
	if err := rest.ReadCursor(in.After, &after); err != nil {
		return nil, err
	}
	all, err := BadLines(c.Context(), d.db, in.Import.Of, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(all) > in.Limit {
		// A line can have several faults; a page ends between lines.
		last := all[in.Limit].Line
		for len(all) > 1 && all[len(all)-1].Line == last && all[0].Line != last {
			all = all[:len(all)-1]
		}
		next = rest.Cursor(all[len(all)-1].Line)
	}
	return rest.Pageful(all, next, func(b BadLine) apiBadRow {
		return apiBadRow{b.Line, b.Column, c.Sentence(b.Reason), append([]string{}, b.Cells...)}
	}), nil
}
