package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/telemetry"
)

// Config is everything the server is made of.
type Config struct {
	Base    string         // path it is hosted under: "" or "/regulars"
	Secure  bool           // reached over https: cookies are marked so
	Dev     bool           // adds /dev/kit
	Proxies []netip.Prefix // whose X-Forwarded-For is believed
	Secret  []byte         // signs flash cookies; random when empty
	Catalog *locale.Catalog
	Routes  []Route
	Files   map[string]fs.FS // module → file system with its pages folder
	Places  []Place
	Panels  []Panel

	Authenticate Authenticate
	Shop         func(ctx context.Context) (Shop, error)
	Now          func() time.Time     // time.Now when nil
	Telemetry    *telemetry.Telemetry // nil: nothing is counted
	Log          *slog.Logger         // slog.Default when nil
}

// Server serves the pages of all modules. It is safe for many goroutines.
type Server struct {
	Config
	base   string
	mux    *http.ServeMux
	routes []Route
	panels []Panel
	pages  map[string]*page
	assets *assetSet
	origin http.CrossOriginProtection

	proxyWarned sync.Once
}

// New parses every page and checks every route and place. What is broken is
// found here, at start, and named in the error.
func New(c Config) (*Server, error) {
	s := &Server{Config: c, base: strings.TrimRight(c.Base, "/"), mux: http.NewServeMux()}
	if s.base != "" && !strings.HasPrefix(s.base, "/") {
		return nil, fmt.Errorf("the base path %q does not begin with a slash", c.Base)
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Log == nil {
		s.Log = slog.Default()
	}
	if len(s.Secret) == 0 {
		s.Secret = make([]byte, 32)
		rand.Read(s.Secret)
	}
	if s.Shop == nil {
		s.Shop = func(context.Context) (Shop, error) { return Shop{Name: "Regulars", Zone: time.UTC}, nil }
	}
	var err error
	if s.assets, err = loadAssets(s.base); err != nil {
		return nil, err
	}
	if s.pages, err = s.parsePages(); err != nil {
		return nil, err
	}
	if err := s.checkPlaces(); err != nil {
		return nil, err
	}
	s.panels = slices.Clone(c.Panels)
	slices.SortStableFunc(s.panels, func(a, b Panel) int { return cmp.Compare(a.Order, b.Order) })
	s.routes = append(slices.Clone(c.Routes), s.ownRoutes()...)
	for i := range s.routes {
		if err := s.handle(&s.routes[i]); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Routes returns every route, sorted by path and method.
func (s *Server) Routes() []Route {
	all := slices.Clone(s.routes)
	slices.SortFunc(all, func(a, b Route) int {
		am, ap, _ := strings.Cut(a.Pattern, " ")
		bm, bp, _ := strings.Cut(b.Pattern, " ")
		return cmp.Or(cmp.Compare(ap, bp), cmp.Compare(am, bm))
	})
	return all
}

// HTTP returns a server for addr with the time and size limits that keep slow
// or greedy clients from holding it.
func (s *Server) HTTP(addr string) *http.Server {
	return &http.Server{
		Addr: addr, Handler: s,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 32 << 10,
		ErrorLog:       slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
	}
}

func (s *Server) ownRoutes() []Route {
	own := []Route{
		{Pattern: "GET /assets/{name}", Role: Public, Handler: s.serveAsset},
		{Pattern: "POST /theme", Role: Public, Handler: s.chooseTheme},
	}
	if s.Dev {
		own = append(own, Route{Pattern: "GET /dev/kit", Role: Public, Handler: showKit},
			Route{Pattern: "POST /dev/kit", Role: Public, Handler: tryKit})
	}
	return own
}

// handle adds a route to the mux, turning its panic on a bad or doubled
// pattern into an error.
func (s *Server) handle(route *Route) (err error) {
	method, path, ok := strings.Cut(route.Pattern, " ")
	if !ok || method != http.MethodGet && method != http.MethodPost && !route.AnyOrigin {
		return fmt.Errorf("route %q: a pattern is GET or POST, a space, and a path", route.Pattern)
	}
	if route.Lean && (route.Role != Public || !route.AnyOrigin) {
		return fmt.Errorf("route %q: who calls a lean route is not asked, so it is public and for any origin", route.Pattern)
	}
	if route.Role < Public || route.Role > Owner || route.Handler == nil {
		return fmt.Errorf("route %q: it needs a role and a handler", route.Pattern)
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("route %q: %v", route.Pattern, p)
		}
	}()
	if route.AnyOrigin {
		s.origin.AddInsecureBypassPattern(method + " " + s.base + path)
	}
	limit := cmp.Or(route.MaxBody, 1<<20)
	var often *Limiter
	if route.PerMinute > 0 {
		often = NewLimiter(route.PerMinute)
	}
	s.mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, hr *http.Request) {
		hr.Body = http.MaxBytesReader(w, hr.Body, limit)
		r := s.request(hr, route)
		r.ID = w.(*answer).id
		w.(*answer).request = r
		err := r.within(w, often)
		if err == nil {
			err = s.serve(w, r)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
	return nil
}

// within refuses an address that comes too often.
func (r *Request) within(w http.ResponseWriter, often *Limiter) error {
	if often == nil {
		return nil
	}
	q := often.Take(r.Address(), r.Now)
	if q.OK {
		return nil
	}
	w.Header().Set("Retry-After", strconv.Itoa(Seconds(q.Wait)))
	return errs.Of(errs.TooMany, nil, "web.error.too-many.text")
}

// Seconds is a wait in whole seconds, rounded up, as headers tell it.
func Seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// serve finds out who is asking, whether they may, and calls the handler.
func (s *Server) serve(w http.ResponseWriter, r *Request) error {
	if r.route.Lean {
		return r.route.Handler(w, r)
	}
	shop, err := s.Shop(r.Context())
	if err != nil {
		return fmt.Errorf("read the business's settings: %w", err)
	}
	r.Shop = shop
	if !r.route.AnyOrigin {
		if err := s.recognise(r); err != nil {
			return err
		}
	}
	s.speak(r)
	if !r.Can(r.route.Role) {
		if r.Staff.ID == 0 {
			return errs.Of(errs.SignIn, nil, "web.error.sign-in.text")
		}
		return errs.Of(errs.Forbidden, nil, "web.error.forbidden.text")
	}
	if r.Staff.Confined != "" && r.route.Role != Public && !under(r.URL.Path, r.Staff.Confined) {
		return r.Redirect(w, r.Staff.Confined)
	}
	return r.route.Handler(w, r)
}

// request makes the Request of a route, in the browser's language until we
// know who is asking.
func (s *Server) request(hr *http.Request, route *Route) *Request {
	r := &Request{Request: hr, Now: s.Now(), server: s, route: route}
	if c, err := hr.Cookie(themeCookie); err == nil && slices.Contains(themes, c.Value) {
		r.theme = c.Value
	}
	s.speak(r)
	return r
}

// recognise fills in who is signed in, if anybody is.
func (s *Server) recognise(r *Request) error {
	c, err := r.Cookie(s.sessionCookie())
	if err != nil || c.Value == "" || s.Authenticate == nil {
		return nil
	}
	staff, err := s.Authenticate(r.Context(), c.Value)
	if errs.Is(err, errs.SignIn) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the session: %w", err)
	}
	r.Staff, r.token = staff, c.Value
	return nil
}

// speak chooses language, time zone and theme of the one who asks.
func (s *Server) speak(r *Request) {
	r.Print = s.Catalog.For(r.Staff.Language, r.Header.Get("Accept-Language"), r.Shop.Language)
	zone := r.Shop.Zone
	if r.Staff.Zone != "" {
		if z, err := time.LoadLocation(r.Staff.Zone); err == nil {
			zone = z
		}
	}
	if zone != nil {
		r.Print = r.Print.In(zone)
	}
	if r.theme == "" {
		r.theme = r.Staff.Theme
	}
}

func (s *Server) checkPlaces() error {
	var bad []error
	for _, p := range s.Places {
		switch {
		case !s.Catalog.Has(p.Key):
			bad = append(bad, fmt.Errorf("place %s: the catalogues have no %q", p.Href, p.Key))
		case p.Section != "" && !s.Catalog.Has(p.Section):
			bad = append(bad, fmt.Errorf("place %s: the catalogues have no %q", p.Href, p.Section))
		case p.Within != "" && !s.Catalog.Has(p.Within):
			bad = append(bad, fmt.Errorf("place %s: the catalogues have no %q", p.Href, p.Within))
		case p.Under != "" && !slices.ContainsFunc(s.Places, func(head Place) bool { return head.Href == p.Under && head.Under == "" }):
			bad = append(bad, fmt.Errorf("place %s: it stands under %s, which is no line of the navigation", p.Href, p.Under))
		case !hasIcon(p.Icon):
			bad = append(bad, fmt.Errorf("place %s: no icon is called %q", p.Href, p.Icon))
		case p.Role == 0:
			bad = append(bad, fmt.Errorf("place %s: it needs a role", p.Href))
		}
	}
	return errors.Join(bad...)
}
