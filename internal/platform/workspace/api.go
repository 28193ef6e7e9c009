package workspace

import (
	"context"

	"regulars/internal/platform/money"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
)

// API is what programs can do with the business's settings.
func API(db *store.DB) []rest.Operation {
	d := desk{db}
	return []rest.Operation{
		rest.Op(rest.Operation{Pattern: "GET /settings", Name: "getSettings", Summary: "Read the business's settings", Scope: "settings:read", Role: web.Owner}, d.apiRead),
		rest.Op(rest.Operation{Pattern: "PATCH /settings", Name: "changeSettings", Summary: "Change the business's settings", Scope: "settings:write", Role: web.Owner,
			Page: "POST /settings", Text: "A JSON merge patch. Zone and currency are fixed with the first data."}, d.apiChange),
	}
}

type desk struct{ db *store.DB }

// apiSettings are what a business says of itself.
type apiSettings struct {
	Name      string   `json:"name"`
	Colour    string   `json:"colour" doc:"Of the brand: #rrggbb"`
	Country   string   `json:"country" doc:"ISO 3166"`
	Zone      string   `json:"zone" doc:"Europe/Prague"`
	Currency  string   `json:"currency" doc:"What sums are in"`
	Languages []string `json:"languages" doc:"Spoken with customers, the main one first"`
	Demo      bool     `json:"demo" doc:"The customers are made up"`
}

func (s Settings) api() apiSettings {
	return apiSettings{s.Name, s.Colour, s.Country, s.Zone, string(s.Currency), append([]string{}, s.Languages...), s.Demo}
}

func (d desk) apiRead(c *rest.Call, _ *struct{ rest.Fields[apiSettings] }) (*rest.One[apiSettings], error) {
	s, err := Load(c.Context(), d.db)
	return rest.Show(c, s.api(), err)
}

type apiSettingsPatch struct {
	rest.IfMatch
	Body struct {
		Name      rest.Field[string]   `json:"name,omitzero" maxLength:"80"`
		Colour    rest.Field[string]   `json:"colour,omitzero" maxLength:"7"`
		Country   rest.Field[string]   `json:"country,omitzero" maxLength:"2"`
		Zone      rest.Field[string]   `json:"zone,omitzero" maxLength:"64"`
		Currency  rest.Field[string]   `json:"currency,omitzero" maxLength:"3"`
		Languages rest.Field[[]string] `json:"languages,omitzero" maxItems:"20" maxLength:"35"`
	} `contentType:"application/merge-patch+json"`
}

func (d desk) apiChange(c *rest.Call, in *apiSettingsPatch) (*rest.One[apiSettings], error) {
	var s Settings
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) (err error) {
		if s, err = Load(ctx, tx); err != nil {
			return err
		}
		if err := in.Check(s.api()); err != nil {
			return err
		}
		in.Body.Name.Into(&s.Name)
		in.Body.Colour.Into(&s.Colour)
		in.Body.Country.Into(&s.Country)
		in.Body.Zone.Into(&s.Zone)
		currency := string(s.Currency)
		in.Body.Currency.Into(&currency)
		s.Currency = money.Currency(currency)
		in.Body.Languages.Into(&s.Languages)
		if err := Save(ctx, tx, c.Staff.ID, s); err != nil {
			return err
		}
		s, err = Load(ctx, tx)
		return err
	})
	return rest.Show(c, s.api(), err)
}
