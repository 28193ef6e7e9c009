package admin_test

import (
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"regulars/internal/doors/admin"
	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/mail"
	"regulars/internal/platform/outbound"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/workspace"
	"regulars/internal/testkit"
	"regulars/internal/testkit/browser"
	"regulars/internal/testkit/page"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

const secret = "seven grey cats"

// house is the platform's pages and this module's, as the app puts them
// together, over one database.
type house struct {
	*web.Server
	t     *testing.T
	db    *store.DB
	owner id.User
}

func letters(t *testing.T) *locale.Catalog {
	t.Helper()
	c, err := users.LetterTexts()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func desk(t *testing.T, db *store.DB) users.Desk {
	return users.Desk{DB: db, Letters: letters(t), Client: outbound.Client(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})}
}

func build(t *testing.T, db *store.DB) house {
	t.Helper()
	catalog, err := locale.Load(web.Text(), users.Files, mail.Files, workspace.Files, jobs.Files, admin.Files)
	if err != nil {
		t.Fatal(err)
	}
	places := slices.Concat(admin.Places, users.Places, workspace.Places)
	s, err := web.New(web.Config{
		Catalog: catalog, Places: places,
		Routes:       slices.Concat(users.Admin(desk(t, db)), workspace.Admin(db), admin.Admin(db, places, "1.2.3")),
		Files:        map[string]fs.FS{"users": users.Files, "workspace": workspace.Files, "admin": admin.Files},
		Authenticate: users.Authenticator(db), Shop: workspace.Shop(db), Now: db.Now,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return house{Server: s, t: t, db: db}
}

// live is a house whose owner, Ana, has moved in.
func live(t *testing.T, db *store.DB) house {
	h := build(t, db)
	h.owner = h.add("Ana Novak", "ana@example.com", web.Owner)
	testkit.Do(t, db, func(tx *store.Tx) error {
		return workspace.Save(t.Context(), tx, 0, workspace.Settings{
			Name: "Corner Coffee", Colour: "#0f766e", Country: "CZ", Zone: "Europe/Prague", Currency: "CZK", Languages: []string{"cs", "en"},
		})
	})
	return h
}

func (h house) add(name, email string, role web.Role) (user id.User) {
	h.t.Helper()
	p, err := users.NewPassword(secret)
	if err != nil {
		h.t.Fatal(err)
	}
	testkit.Do(h.t, h.db, func(tx *store.Tx) (err error) {
		user, err = users.Add(h.t.Context(), tx, users.New{Name: name, Email: email, Role: role, Password: p})
		return err
	})
	return user
}

// session signs somebody in past the form.
func (h house) session(user id.User) (token string) {
	h.t.Helper()
	testkit.Do(h.t, h.db, func(tx *store.Tx) (err error) {
		token, err = users.Start(h.t.Context(), tx, user, "Firefox · Linux")
		return err
	})
	return token
}

func (h house) setupLink() (token string) {
	h.t.Helper()
	testkit.Do(h.t, h.db, func(tx *store.Tx) (err error) { token, err = users.SetupLink(h.t.Context(), tx); return err })
	return token
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

func moveIn(changes ...string) url.Values {
	f := form("name", "Ana Novak", "email", "ana@example.com", "password", secret, "business", "Corner Coffee",
		"country", "CZ", "currency", "CZK", "zone", "Europe/Prague", "language", "cs")
	for i := 0; i+1 < len(changes); i += 2 {
		f.Set(changes[i], changes[i+1])
	}
	return f
}

func TestTheFirstOwnerMovesInByTheLinkAndIsSignedIn(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		h := build(t, db)
		page.Get(t, h, "/sign-in").In(".alert-box", page.HasText("regulars user link"))
		link := "/set-up/" + h.setupLink()
		page.Get(t, h, link, page.Header("Accept-Language", "cs-CZ")).
			In("#field-country option[selected]", page.HasAttr("value", "CZ")).
			In("#field-currency option[selected]", page.HasText("CZK")).
			In("#field-zone option[selected]", page.HasText("Europe/Prague"))
		page.Get(t, h, link+"/place?country=KR", page.HTMX("place")).
			In("#field-currency option[selected]", page.HasText("KRW")).
			In("#field-zone option[selected]", page.HasText("Asia/Seoul")).Not("html body form")
		in := page.Post(t, h, link, moveIn()).Redirects("/")
		page.Get(t, h, "/", in.Cookies()).In("h1", page.HasText("Corner Coffee today")).In(".alert-good", page.HasText("the owner"))
		page.Post(t, h, link, moveIn("email", "eve@example.com")).Redirects("/sign-in")
		if n, err := users.Count(t.Context(), db); n != 1 || err != nil {
			t.Errorf("%d members of staff, %v", n, err)
		}
	})
}

func TestAFormOfTheFirstOwnerThatFailsIsShownAgainWithoutItsPassword(t *testing.T) {
	h := build(t, testkit.DB(t))
	link := "/set-up/" + h.setupLink()
	for field, f := range map[string]url.Values{
		"password": moveIn("password", "short"),
		"email":    moveIn("email", "no address"),
		"name":     moveIn("name", " "),
		"business": moveIn("business", ""),
		"country":  moveIn("country", "XX"),
		"zone":     moveIn("zone", "Europe/Nowhere"),
		"currency": moveIn("currency", "ABC"),
		"language": moveIn("language", "xx"),
	} {
		p := page.Post(t, h, link, f).HasStatus(422).In("#error-" + field)
		if field != "email" {
			p.In("#field-email", page.HasAttr("value", "ana@example.com"))
		}
		if strings.Contains(p.Body, secret) {
			t.Errorf("%s: the password is in the page", field)
		}
	}
	if n, err := users.Count(t.Context(), h.db); n != 0 || err != nil {
		t.Errorf("%d members of staff, %v", n, err)
	}
	page.Do(t, h, get("/set-up/guessed")).Redirects("/sign-in")
}

func TestSigningInLeadsWhereSomebodyWantedToGo(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		h := live(t, db)
		page.Do(t, h, get("/staff")).Redirects("/sign-in?next=%2Fstaff")
		page.Get(t, h, "/sign-in?next=%2Fstaff").In("input[name=next]", page.HasAttr("value", "/staff"))
		in := page.Post(t, h, "/sign-in", form("email", "ana@example.com", "password", secret, "next", "/staff")).Redirects("/staff")
		page.Get(t, h, "/staff", in.Cookies()).In("tbody th", page.HasText("Ana Novak"))
		page.Post(t, h, "/sign-in", form("email", "ana@example.com", "password", secret, "next", "https://evil.example/")).Redirects("/")
		out := page.Post(t, h, "/sign-out", nil, in.Cookies()).Redirects("/sign-in")
		page.Get(t, h, "/sign-in", out.Cookies()).In(".alert-good", page.HasText("signed out"))
		page.Do(t, h, get("/staff"), in.Cookies()).Redirects("/sign-in?next=%2Fstaff")
	})
}

func TestAWrongPasswordSaysSoAndTooManyOfThemHowLongToWait(t *testing.T) {
	h := live(t, testkit.DB(t))
	wrong := form("email", "ana@example.com", "password", "not the password")
	for range 10 {
		page.Post(t, h, "/sign-in", wrong).HasStatus(422).In("[role=alert]", page.HasText("is not right")).
			In("#field-email", page.HasAttr("value", "ana@example.com")).Not("#field-password[value='not the password']")
	}
	page.Post(t, h, "/sign-in", wrong).HasStatus(429).In("[role=alert]", page.HasText("wait 15 minutes"))
	page.Post(t, h, "/sign-in", form("email", "", "password", "")).HasStatus(422).In("#error-email").In("#error-password")
}

func TestEachPageIsForItsRole(t *testing.T) {
	h := live(t, testkit.DB(t))
	sessions := map[web.Role]string{web.Owner: h.session(h.owner)}
	for role := web.Viewer; role < web.Owner; role++ {
		sessions[role] = h.session(h.add(role.String(), role.String()+"@example.com", role))
	}
	for path, least := range map[string]web.Role{
		"/": web.Viewer, "/account": web.Viewer, "/search": web.Viewer, "/about": web.Viewer,
		"/staff": web.Owner, "/staff/" + h.owner.String(): web.Owner, "/audit": web.Owner, "/settings": web.Owner,
	} {
		for role, token := range sessions {
			want := 200
			if role < least {
				want = 403
			}
			page.Do(t, h, get(path), page.As(token)).HasStatus(want)
		}
	}
}

func TestAMemberIsAddedAndChoosesTheirPasswordByTheLink(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		h := live(t, db)
		ana := page.As(h.session(h.owner))
		page.Post(t, h, "/staff", form("name", "Ben", "email", "ana@example.com", "role", "till"), ana).
			HasStatus(422).In("#error-email", page.HasText("already")).In("#field-name", page.HasAttr("value", "Ben"))
		given := page.Post(t, h, "/staff", form("name", "Ben Kral", "email", "ben@example.com", "role", "till"), ana,
			page.Header("Origin", "http://example.com")).HasStatus(200)
		link := strings.TrimPrefix(given.Attr("#field-link", "value"), "http://example.com")
		page.Get(t, h, "/staff", ana).In("tbody tr", page.HasText("No password yet"))
		page.Get(t, h, link).In("h1", page.HasText("Ben Kral"))
		page.Post(t, h, link, form("password", "benkral ben")).HasStatus(303)
		page.Do(t, h, get(link)).HasStatus(404)
		in := page.Post(t, h, "/sign-in", form("email", "ben@example.com", "password", "benkral ben")).Redirects("/")
		page.Do(t, h, get("/staff"), in.Cookies()).HasStatus(403)
		page.Get(t, h, "/audit", ana).In("tbody tr", page.HasText("Added a member of staff")).In("tbody tr", page.HasText("Ben Kral"))
	})
}

func TestAPasswordByLinkFollowsTheRules(t *testing.T) {
	h := live(t, testkit.DB(t))
	var token string
	testkit.Do(t, h.db, func(tx *store.Tx) (err error) { token, err = users.Link(t.Context(), tx, 0, h.owner); return err })
	for _, bad := range []string{"", "short", "Ana  Novák"} {
		page.Post(t, h, "/password/"+token, form("password", bad)).HasStatus(422).In("#error-password")
	}
}

func TestAMemberGetsAnotherRoleLeavesAndComesBack(t *testing.T) {
	h := live(t, testkit.DB(t))
	ana, ben := page.As(h.session(h.owner)), h.add("Ben", "ben@example.com", web.Till)
	at := "/staff/" + ben.String()
	page.Get(t, h, at, ana).In("#field-role option[selected]", page.HasText("Till"))
	page.Post(t, h, at+"/role", form("role", "manager"), ana).Redirects(at)
	page.Post(t, h, at+"/role", form("role", "king"), ana).HasStatus(422)
	bens := page.As(h.session(ben))
	page.Post(t, h, at+"/leave", nil, ana).Redirects(at)
	page.Do(t, h, get("/"), bens).Redirects("/sign-in")
	page.Get(t, h, at, ana).In("form[action='" + at + "/return']").Not("form[action='" + at + "/link']")
	page.Post(t, h, at+"/link", nil, ana).HasStatus(422)
	page.Post(t, h, at+"/return", nil, ana).Redirects(at)
	page.Post(t, h, at+"/link", nil, ana).HasStatus(200).In("#field-link")
	own := "/staff/" + h.owner.String()
	page.Post(t, h, own+"/role", form("role", "viewer"), ana).HasStatus(422).In("[role=alert]", page.HasText("only owner")).
		In("#field-role option[selected]", page.HasText("Owner"))
	page.Do(t, h, get("/staff/usr_0000000000000"), ana).HasStatus(404)
}

func TestTheAccountKeepsPreferencesAndChangesThePassword(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		h := live(t, db)
		here, there := h.session(h.owner), h.session(h.owner)
		ana := page.As(here)
		page.Post(t, h, "/account", form("name", "Ana N.", "language", "cs", "theme", "dark", "zone", "Asia/Seoul"), ana).Redirects("/account")
		page.Get(t, h, "/account", ana).In("#field-name", page.HasAttr("value", "Ana N.")).In("html[data-theme=dark]").
			In(".sessions", page.HasText("18:00")) // 09:00 UTC in Seoul
		page.Post(t, h, "/account", form("name", "Ana", "zone", "Nowhere"), ana).HasStatus(422).In("#error-zone")
		page.Post(t, h, "/account/password", form("old", "wrong password", "password", "eight brown dogs"), ana).
			HasStatus(422).In("#error-old")
		page.Post(t, h, "/account/password", form("old", secret, "password", "short"), ana).HasStatus(422).In("#error-password")
		changed := page.Post(t, h, "/account/password", form("old", secret, "password", "eight brown dogs"), ana).Redirects("/account")
		if !keepsKnown(changed) {
			t.Error("the browser in which the password was changed is known no more")
		}
		page.Get(t, h, "/account", ana).Count(".sessions li", 1)
		page.Do(t, h, get("/account"), page.As(there)).HasStatus(303)
	})
}

// keepsKnown reports whether the browser is given what it is known by.
func keepsKnown(p *page.Page) bool {
	return slices.ContainsFunc((&http.Response{Header: p.Header}).Cookies(), func(c *http.Cookie) bool {
		return c.Name == "regulars_known" && c.Value != "" && c.MaxAge > 0
	})
}

func TestSessionsAreEndedFromTheList(t *testing.T) {
	h := live(t, testkit.DB(t))
	here := h.session(h.owner)
	for range 3 {
		h.session(h.owner)
	}
	ana := page.As(here)
	p := page.Get(t, h, "/account", ana).Count(".sessions li", 4).Count(".pill-good", 1)
	page.Post(t, h, p.Attr(".sessions form", "action"), nil, ana).Redirects("/account")
	page.Get(t, h, "/account", ana).Count(".sessions li", 3)
	if !keepsKnown(page.Post(t, h, "/account/sessions/closure", nil, ana).Redirects("/account")) {
		t.Error("the browser in which all others were signed out is known no more")
	}
	page.Get(t, h, "/account", ana).Count(".sessions li", 1).Not("form[action='/account/sessions/closure']")
}

func TestTheSettingsAreSavedAndFixedWithTheFirstData(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		h := live(t, db)
		ana := page.As(h.session(h.owner))
		f := form("business", "Corner Tea", "country", "GB", "currency", "GBP", "zone", "Europe/London", "language", "en", "also", "cs", "also", "ko", "colour", "#AA2233")
		page.Post(t, h, "/settings", f, ana).Redirects("/settings")
		page.Get(t, h, "/settings", ana).In("#field-business", page.HasAttr("value", "Corner Tea")).In(".brand", page.HasText("Corner Tea")).
			In("#field-colour", page.HasAttr("value", "#aa2233")).Count("input[name=also][checked]", 2)
		f.Set("zone", "Europe/Nowhere")
		page.Post(t, h, "/settings", f, ana).HasStatus(422).In("#error-zone").Count("input[name=also][checked]", 2)
		addCustomer(t, db, 7, "Cleo Moreau")
		page.Get(t, h, "/settings", ana).Not("#field-zone").Not("#field-currency").In("dd", page.HasText("Europe/London"))
		f.Set("business", "Corner Tea and Cake")
		page.Post(t, h, "/settings", f, ana).Redirects("/settings")
		s, err := workspace.Load(t.Context(), db)
		if err != nil || s.Zone != "Europe/London" || s.Name != "Corner Tea and Cake" {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

func TestAHomeWithoutDataTeachesHowToBegin(t *testing.T) {
	h := live(t, testkit.DB(t))
	page.Get(t, h, "/", page.As(h.session(h.owner))).Count(".starts .card", 3).Not(".stats").In("code", page.HasText("regulars demo"))
}

func TestAnOwnerLearnsAtHomeThatAWebhookWasSwitchedOff(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		h := live(t, db)
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := customers.Create(t.Context(), tx, customers.Profile{Name: "Berta"})
			return err
		})
		ana, tom := page.As(h.session(h.owner)), page.As(h.session(h.add("Tom Till", "tom@example.com", web.Till)))
		page.Get(t, h, "/", ana).Not(".alert-box")
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `
				insert into webhook_endpoints (id, url, description, kinds, history, state, secret, failures, created_at)
				values (1, 'https://example.com', '', '', false, 'gone', $1, 0, 0)`, []byte{1})
			return err
		})
		page.Get(t, h, "/", ana).In(".alert-box", page.HasText("1 webhook was switched off"))
		page.Get(t, h, "/", tom).Not(".alert-box")
	})
}

func TestTheHomePageCountsTheDaysOfTheBusiness(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		h := live(t, db)
		ana := page.As(h.session(h.owner))
		addCustomer(t, db, 7, "Cleo Moreau")
		addCustomer(t, db, 8, "Dai Pham")
		addFacts(t, db, 7, 2)
		addFacts(t, db, 8, 1)
		now := clock.Now()
		addOrder(t, db, 7, 71, "1001", now.Add(-time.Hour), 12500)
		addOrder(t, db, 7, 72, "1000", now.Add(-31*24*time.Hour), 25000)
		addWalkin(t, db, 90, "W-1", now.Add(-2*time.Hour), 5000)
		p := page.Get(t, h, "/", ana)
		want := []string{"2", "50.0%", "2", "Kč 175"}
		for i, got := range p.Texts(".stat-value") {
			if got != want[i] {
				t.Errorf("tile %d says %q, want %q", i, got, want[i])
			}
		}
		p.In(".stat-note", page.HasText("2 orders in the last 30 days")).In(".change", page.HasText("−30%")).
			In(".glance li", page.HasText("Cleo Moreau")).In(".glance li", page.HasText("1001"))
		page.Get(t, h, "/", ana, page.HTMX("figures")).Count(".stat-value", 4).Not("h1")
		clock.Advance(100 * 24 * time.Hour)
		ana = page.As(h.session(h.owner))
		page.Get(t, h, "/", ana).In(".stat-note", page.HasText("in the 30 days to 2 Mar 2026"))
	})
}

func TestTheSearchFindsCustomersOrdersProductsAndPages(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		h := live(t, db)
		ana := page.As(h.session(h.owner))
		addCustomer(t, db, 7, "Cleo Moreau")
		addOrder(t, db, 7, 71, "A-1001", db.Now(), 12500)
		addWalkin(t, db, 90, "A-1002", db.Now(), 5000)
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `insert into products (id, sku, name, kind, search, created_at) values (5, 'TEA-1', 'Jasmine 100% tea', 'product', 'tea-1 jasmine 100% tea', 1)`)
			return err
		})
		find := func(q string) *page.Page {
			return page.Get(t, h, "/search?q="+url.QueryEscape(q), ana, page.HTMX("found"))
		}
		find("cle").In("a[href='/customers/"+id.Customer(7).String()+"']", page.HasText("Cleo Moreau"))
		find("#A-100").Count("a[href*=orders]", 2).In("a", page.HasText("Kč 125.00")).In("a", page.HasText("Walk-in")).
			In("a[href='/orders/walk-in/" + id.Order(90).String() + "']")
		find("jasm te").In("a[href='/products/"+id.Product(5).String()+"']", page.HasText("TEA-1"))
		find("setti").In("a[href='/settings']")
		find("%").Not("a[href='/products/" + id.Product(5).String() + "']")
		find("zzz").In(".found-kind", page.HasText("Nothing fits"))
		find("").Not("a")
		page.Get(t, h, "/search?q=cle", ana).In("#results a", page.HasText("Cleo")).In("#filter-q", page.HasAttr("value", "cle"))
		page.Get(t, h, "/search?q=zzz", ana).In(".blank")
		page.Get(t, h, "/search?q="+strings.Repeat("é", 5000), ana)
		viewer := page.As(h.session(h.add("Vera", "vera@example.com", web.Viewer)))
		page.Get(t, h, "/search?q=setti", viewer, page.HTMX("found")).Not("a[href='/settings']")
	})
}

func TestEveryPageIsShownBySomeTest(t *testing.T) {
	h := live(t, testkit.DB(t))
	ana := page.As(h.session(h.owner))
	for _, path := range []string{"/", "/search", "/about", "/account", "/staff", "/staff/" + h.owner.String(), "/audit", "/settings"} {
		page.Get(t, h, path, ana)
	}
	page.Get(t, h, "/about", ana).In("dd", page.HasText("1.2.3")).In("dd", page.HasText("Apache"))
}
