package workspace

import (
	"embed"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// Files holds the pages and texts of this module.
//
//go:embed all:pages text
var Files embed.FS

// Places are the lines of the navigation.
var Places = []web.Place{
	{Section: "users.section.house", Key: "workspace.place.settings", Href: "/settings", Icon: "settings", Order: 910, Role: web.Owner, Within: "workspace.place.business"},
}

// Admin is the list of this module's pages.
func Admin(db *store.DB) []web.Route {
	return []web.Route{
		{Pattern: "GET /set-up/{token}", Role: web.Public, PerMinute: 60, Handler: showSetup(db)},
		{Pattern: "POST /set-up/{token}", Role: web.Public, PerMinute: 30, Handler: setUp(db)},
		{Pattern: "GET /set-up/{token}/place", Role: web.Public, Handler: setupPlace(db)},
		{Pattern: "GET /settings", Role: web.Owner, Handler: showSettings(db)},
		{Pattern: "POST /settings", Role: web.Owner, Handler: saveSettings(db)},
	}
}

// choices are the options of the form's selects.
type choices struct {
	Countries, Currencies, Zones, Languages []kit.Option
}

func choicesFor(r *web.Request, f *web.Form) choices {
	return choices{
		Countries: countryOptions(r.Print.Lang), Currencies: CurrencyOptions(),
		Zones: ZoneOptions(f.Value("country"), f.Value("zone")), Languages: languageOptions(),
	}
}

type setupPage struct {
	choices
	Form  *web.Form
	Token string
	Fixed bool // data was imported before anybody moved in
}

func fill(f *web.Form, s Settings) {
	f.Set("business", s.Name).Set("colour", s.Colour).Set("country", s.Country)
	f.Set("zone", s.Zone).Set("currency", string(s.Currency)).Set("language", s.Languages[0])
	f.Values["also"] = s.Languages[1:]
}

// notNow leads somebody with a link that does not work to the sign-in page,
// which says how to go on.
func notNow(w http.ResponseWriter, r *web.Request, err error) error {
	if !errs.Is(err, errs.NotFound) {
		return err
	}
	r.Flash(w, "warn", r.Print.Sentence(err))
	return r.Redirect(w, "/sign-in")
}

func showSetup(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		token := r.PathValue("token")
		if err := users.CheckSetup(r.Context(), db, token, r.Now); err != nil {
			return notNow(w, r, err)
		}
		s, err := Load(r.Context(), db)
		if err != nil {
			return err
		}
		fixed, err := Fixed(r.Context(), db)
		if err != nil {
			return err
		}
		if !s.Saved {
			guess := guessPlace(r.Header.Get("Accept-Language"))
			s.Name, s.Country, s.Languages = "", guess.Country, guess.Languages
			if !fixed {
				s.Zone, s.Currency = guess.Zone, guess.Currency
			}
		}
		f := r.NewForm()
		fill(f, s)
		return r.Render(w, "workspace/setup.html", setupPage{choicesFor(r, f), f, token, fixed})
	}
}

// setupPlace answers with the fields that follow from a country.
func setupPlace(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		token := r.PathValue("token")
		if err := users.CheckSetup(r.Context(), db, token, r.Now); err != nil {
			return notNow(w, r, err)
		}
		s, ok := place(r.FormValue("country"))
		if !ok {
			s = Guess
		}
		fixed, err := Fixed(r.Context(), db)
		if err != nil {
			return err
		}
		if fixed {
			now, err := Load(r.Context(), db)
			if err != nil {
				return err
			}
			s.Zone, s.Currency = now.Zone, now.Currency
		}
		f := r.NewForm()
		fill(f, s)
		return r.RenderBlock(w, http.StatusOK, "workspace/setup.html", "place", setupPage{choicesFor(r, f), f, token, fixed})
	}
}

func setUp(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		token := r.PathValue("token")
		if err := users.CheckSetup(r.Context(), db, token, r.Now); err != nil {
			return notNow(w, r, err)
		}
		f, err := r.ReadForm()
		if err != nil {
			return err
		}
		fixed, err := Fixed(r.Context(), db)
		if err != nil {
			return err
		}
		s, err := Load(r.Context(), db)
		if err != nil {
			return err
		}
		s.Languages = nil
		read(f, &s, fixed)
		owner := users.New{Name: f.Need("name", 80), Email: f.Email("email")}
		if owner.Email == "" {
			f.Wrong("email", r.T("web.form.required"))
		}
		owner.Password, err = users.NewPassword(f.Values.Get("password"), owner.Name, owner.Email, s.Name)
		if err := f.Take(err); err != nil {
			return err
		}
		var session string
		if f.OK() {
			session, err = moveIn(db, r, token, owner, s)
		}
		switch {
		case errors.Is(err, errTaken):
			return notNow(w, r, err)
		case f.Take(err) != nil:
			return err
		case !f.OK():
			return r.RenderStatus(w, http.StatusUnprocessableEntity, "workspace/setup.html", setupPage{choicesFor(r, f), f, token, fixed})
		}
		if err := users.Enter(db, w, r, session); err != nil {
			return err
		}
		r.Flash(w, "good", r.T("workspace.setup.done"))
		return r.Redirect(w, "/")
	}
}

// errTaken marks that somebody else has just moved in.
var errTaken = errors.New("somebody was faster")

// moveIn makes the first owner and the settings, both or neither.
func moveIn(db *store.DB, r *web.Request, token string, owner users.New, s Settings) (session string, err error) {
	ctx := r.Context()
	err = db.Tx(ctx, func(tx *store.Tx) error {
		user, err := users.Claim(ctx, tx, token, owner)
		if errs.Is(err, errs.Conflict) || errs.Is(err, errs.NotFound) {
			return fmt.Errorf("%w: %w", errTaken, err)
		}
		if err != nil {
			return err
		}
		if err := Save(ctx, tx, user, s); err != nil {
			return err
		}
		session, err = users.Start(ctx, tx, user, users.Device(r.UserAgent()))
		return err
	})
	return session, err
}

// read reads the settings out of a form into s; when they are fixed, zone and
// currency stay as they are.
func read(f *web.Form, s *Settings, fixed bool) {
	s.Name = f.Need("business", maxName)
	s.Country = f.Text("country", 2)
	if !fixed {
		s.Zone = f.Text("zone", 64)
		s.Currency = money.Currency(f.Text("currency", 3))
	}
	s.Languages = []string{f.Choice("language", languages...)}
	for _, l := range f.Values["also"] {
		if !slices.Contains(s.Languages, l) && len(s.Languages) <= len(languages) {
			s.Languages = append(s.Languages, l)
		}
	}
	if v := strings.ToLower(f.Text("colour", 7)); v != "" {
		s.Colour = v
	}
}

type settingsPage struct {
	choices
	Form  *web.Form
	Fixed bool
	Also  []also
}

// also is one of the languages spoken beside the main one.
type also struct {
	kit.Option
	Chosen bool
}

// Colour is the field in which a colour is picked.
func (p settingsPage) Colour(label, hint string) kit.Field {
	f := p.Form.TextField("colour", label).Hint(hint)
	f.Kind = "color"
	return f
}

func showSettings(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		s, err := Load(r.Context(), db)
		if err != nil {
			return err
		}
		f := r.NewForm()
		fill(f, s)
		return renderSettings(db, w, r, http.StatusOK, f)
	}
}

func renderSettings(db *store.DB, w http.ResponseWriter, r *web.Request, status int, f *web.Form) error {
	fixed, err := Fixed(r.Context(), db)
	if err != nil {
		return err
	}
	p := settingsPage{choices: choicesFor(r, f), Form: f, Fixed: fixed}
	for _, o := range p.Languages {
		p.Also = append(p.Also, also{o, slices.Contains(f.Values["also"], o.Value)})
	}
	return r.RenderStatus(w, status, "workspace/settings.html", p)
}

func saveSettings(db *store.DB) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		f, err := r.ReadForm()
		if err != nil {
			return err
		}
		s, err := Load(r.Context(), db)
		if err != nil {
			return err
		}
		fixed, err := Fixed(r.Context(), db)
		if err != nil {
			return err
		}
		if fixed { // shown, not sent
			f.Set("zone", s.Zone).Set("currency", string(s.Currency))
		}
		read(f, &s, fixed)
		if f.OK() {
			err := f.Take(db.Tx(r.Context(), func(tx *store.Tx) error { return Save(r.Context(), tx, r.Staff.ID, s) }))
			if err != nil {
				return err
			}
		}
		if !f.OK() {
			return renderSettings(db, w, r, http.StatusUnprocessableEntity, f)
		}
		r.Flash(w, "good", r.T("workspace.saved"))
		return r.Redirect(w, "/settings")
	}
}
