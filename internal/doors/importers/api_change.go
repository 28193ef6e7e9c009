package importers

import (
	"context"
	"maps"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
)

type apiImportPatch struct {
	Import rest.ID[id.Import] `path:"import"`
	rest.IfMatch
	Body struct {
		Settings *apiReadingPatch `json:"settings,omitempty"`
	} `contentType:"application/merge-patch+json"`
}

// apiReadingPatch are the settings as a JSON merge patch.
type apiReadingPatch struct {
	Layout   rest.Field[string] `json:"layout,omitzero" maxLength:"60" doc:"null: all as proposed"`
	Columns  map[string]*string `json:"columns,omitempty" maxProperties:"60" doc:"By field, the column's name; null: the one that the layout knows; an empty name: none"`
	Currency rest.Field[string] `json:"currency,omitzero" maxLength:"3"`
	Zone     rest.Field[string] `json:"zone,omitzero" maxLength:"64"`
	Dates    rest.Field[string] `json:"dates,omitzero" enum:"day,month,serial"`
	Mark     rest.Field[string] `json:"mark,omitzero" enum:"point,comma"`
	Source   rest.Field[string] `json:"source,omitzero" maxLength:"60"`
	Channel  rest.Field[string] `json:"channel,omitzero" maxLength:"100"`
	Table    rest.Field[string] `json:"table,omitzero" maxLength:"100"`
	Encoding rest.Field[string] `json:"encoding,omitzero" maxLength:"20"`
}

func (d door) apiChange(c *rest.Call, in *apiImportPatch) (*rest.One[apiImport], error) {
	im, err := ByID(c.Context(), d.db, in.Import.Of)
	if err == nil {
		err = in.Check(shownImport(c, im))
	}
	switch {
	case err != nil || in.Body.Settings == nil:
		return rest.Show(c, shownImport(c, im), err)
	case im.State != Waiting:
		return nil, errs.Clash("", "importers.wrong.started")
	}
	s, err := in.Body.Settings.over(c, d.db, im)
	if err != nil {
		return nil, rest.Under("settings", err)
	}
	was := rest.Tag(shownImport(c, im))
	err = c.Write(d.db, func(ctx context.Context, tx *store.Tx) (err error) {
		if _, err := tx.Exec(ctx, `update imports set state = state where id = $1`, int64(im.ID)); err != nil {
			return err // the row lock
		}
		if im, err = ByID(ctx, tx, im.ID); err != nil {
			return err
		}
		if rest.Tag(shownImport(c, im)) != was {
			return errs.Clash("", "importers.wrong.moved-on")
		}
		if err := Choose(ctx, tx, im.ID, s); err != nil {
			return err
		}
		if im, err = ByID(ctx, tx, im.ID); err != nil {
			return err
		}
		return users.Audit(ctx, tx, users.Change{By: c.Staff.ID, Action: "import.mapped", Subject: im.ID.String()})
	})
	return rest.Show(c, shownImport(c, im), err)
}

// over puts what was sent over what was chosen before, or else proposed. What
// the file cannot be read by is errs.Invalid.
func (a apiReadingPatch) over(c *rest.Call, q store.Querier, im Import) (Settings, error) {
	opened := Settings{Table: im.Settings.Table, Encoding: im.Settings.Encoding}
	a.Table.Into(&opened.Table)
	a.Encoding.Into(&opened.Encoding)
	if opened.Table != im.Settings.Table || opened.Encoding != im.Settings.Encoding || a.Layout.Sent && a.Layout.Value == "" {
		im.Settings = opened // it has other columns
	}
	p, err := Check(c.Context(), q, im)
	if err != nil {
		return Settings{}, err
	}
	s := p.Settings
	if a.Layout.Value != "" {
		s.Layout = a.Layout.Value
	}
	a.Currency.Into((*string)(&s.Currency))
	a.Zone.Into(&s.Zone)
	a.Source.Into(&s.Source)
	a.Channel.Into(&s.Channel)
	if a.Dates.Sent {
		s.Dates = keyOf(dateNames, a.Dates.Value)
	}
	if a.Mark.Sent {
		s.Mark = keyOf(markNames, a.Mark.Value)
	}
	if s.Columns = maps.Clone(s.Columns); s.Columns == nil {
		s.Columns = map[Field]string{}
	}
	for f, name := range a.Columns {
		if name == nil {
			delete(s.Columns, Field(f))
		} else {
			s.Columns[Field(f)] = *name
		}
	}
	_, err = newReader(s, p.Header, p.Shop.Currency, p.Shop.Location(), im.CreatedAt)
	return s, err
}
