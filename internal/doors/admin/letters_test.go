package admin_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"regulars/internal/know/customers"
	"regulars/internal/know/keeping"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/mail"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
	"regulars/internal/testkit/page"
)

// mailing says by which server letters go out.
func (h house) mailing() {
	h.t.Helper()
	testkit.Do(h.t, h.db, func(tx *store.Tx) error {
		return mail.Save(h.t.Context(), tx, mail.Settings{Host: "smtp.example.com", Security: mail.TLS, From: "shop@example.com", URL: "https://shop.example"})
	})
}

// posted are the letters that wait, the oldest first, when what was asked for
// is written.
func (h house) posted() (all []mail.Letter) {
	h.t.Helper()
	if err := jobs.Drain(h.t.Context(), h.db, users.Jobs(desk(h.t, h.db))); err != nil {
		h.t.Fatal(err)
	}
	bodies, err := store.All(h.t.Context(), h.db, store.Scalar[[]byte], `select body from mail_letters order by id`)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, sealed := range bodies {
		plain, err := h.db.Unseal("mail letter", sealed)
		if err != nil {
			h.t.Fatal(err)
		}
		var l mail.Letter
		if err := json.Unmarshal(plain, &l); err != nil || strings.Contains(string(plain), "⟦") {
			h.t.Fatalf("%s: %v", plain, err)
		}
		all = append(all, l)
	}
	return all
}

func TestAnInvitationGoesOutInTheLanguageOfWhoGetsIt(t *testing.T) {
	h := live(t, testkit.DB(t))
	ana := page.As(h.session(h.owner))
	form := url.Values{"name": {"Ben"}, "email": {"ben@example.com"}, "role": {"till"}, "language": {"cs"}}
	page.Post(t, h, "/staff", form, ana).In("#field-link") // no mail is set up: the link is shown
	if n := len(h.posted()); n != 0 {
		t.Fatalf("%d letters", n)
	}
	h.mailing()
	seen := map[string]bool{}
	for i, lang := range []string{"en", "cs", "bg", "ko", "it", "ru"} {
		form := url.Values{"name": {"Cleo"}, "email": {lang + "@example.com"}, "role": {"till"}, "language": {lang}}
		if to := page.Post(t, h, "/staff", form, ana).HasStatus(http.StatusSeeOther).Header.Get("Location"); !strings.HasPrefix(to, "/staff/usr_") {
			t.Fatalf("sent to %q", to)
		}
		letters := h.posted()
		if len(letters) != i+1 {
			t.Fatalf("%s: %d letters", lang, len(letters))
		}
		l := letters[i]
		if l.To != lang+"@example.com" || l.Lang != lang || !strings.HasPrefix(l.Link, "https://shop.example/password/") || !strings.Contains(l.Subject, "Corner Coffee") || seen[l.Subject] {
			t.Errorf("%+v", l)
		}
		seen[l.Subject] = true
		page.Get(t, h, strings.TrimPrefix(l.Link, "https://shop.example")).In("#field-password")
	}
}

func TestALetterThatHasNotGoneOutIsSeenBesideWhoWaitsForItAndSentAgain(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		h := live(t, db)
		ana := page.As(h.session(h.owner))
		send := func() {
			h.posted()
			if err := jobs.Drain(t.Context(), h.db, mail.Jobs(h.db, mail.Settings{})); err == nil {
				t.Error("a letter went out")
			}
		}
		testkit.Do(t, h.db, func(tx *store.Tx) error { // nobody listens there
			return mail.Save(t.Context(), tx, mail.Settings{Host: "127.0.0.1", Port: 1, Security: mail.Plain, From: "shop@example.com", URL: "https://shop.example"})
		})
		ben := page.Post(t, h, "/staff", url.Values{"name": {"Ben"}, "email": {"ben@example.com"}, "role": {"till"}, "language": {""}}, ana).
			HasStatus(http.StatusSeeOther).Header.Get("Location")
		page.Get(t, h, "/staff", ana).Not(".alert-bad") // it was not tried yet
		send()
		page.Get(t, h, "/staff", ana).Count(".alert-bad", 1).In(".alert-bad", page.HasText("The letter to Ben has not gone out"), page.HasText("The mail server does not answer; last tried just now")).
			In("tbody", page.HasText("Letter not sent")).In(".alert-bad a[href$='" + ben + "#access']")
		page.Get(t, h, ben, ana).In("#access .alert-bad", page.HasText("does not answer")).In("#access button", page.HasText("Send a new letter"))
		waits := h.posted()
		clock.Advance(time.Minute)
		page.Post(t, h, ben+"/link", url.Values{"by": {"mail"}}, ana).HasStatus(http.StatusSeeOther)
		page.Get(t, h, ben, ana).Not(".alert-bad") // on its way again
		again := h.posted()
		if len(again) != 1 || again[0].Link == waits[0].Link || again[0].To != "ben@example.com" {
			t.Errorf("%+v", again)
		}
		send()
		page.Get(t, h, "/staff", ana).Count(".alert-bad", 1)
		page.Post(t, h, ben+"/link", url.Values{"by": {"hand"}}, ana).HasStatus(200)
		page.Get(t, h, "/staff", ana).Not(".alert-bad") // the link is handed over
		if n := len(h.posted()); n != 0 {
			t.Errorf("%d letters wait with a link that works no more", n)
		}
	})
}

func TestTheStatusPageSaysHowTheLastLetterWent(t *testing.T) {
	h := live(t, testkit.DB(t))
	ana := page.As(h.session(h.owner))
	page.Get(t, h, "/status", ana).Count("tbody tr", 4)
	for failure, want := range map[string]string{"": "went out", "451 later": "could not be sent"} {
		testkit.Do(t, h.db, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `insert into mail_state (id, tried_at, failure) values (1, $1, $2)
				on conflict (id) do update set failure = excluded.failure`, tx.Now.UnixMicro(), failure)
			return err
		})
		page.Get(t, h, "/status", ana).In("tbody tr", page.HasText(want))
		page.Get(t, h, "/settings/mail", ana)
	}
}

func TestAForgottenPasswordIsMendedByMailAndTheAnswerNamesNobody(t *testing.T) {
	clock := testkit.NewClock(testkit.Start)
	h := live(t, testkit.Open(t, testkit.DSN(t, "sqlite"), store.Options{Clock: clock.Now}))
	gone := h.add("Ben", "ben@example.com", web.Till)
	testkit.Do(t, h.db, func(tx *store.Tx) error { return users.Disable(t.Context(), tx, h.owner, gone) })
	ask := func(email string, options ...page.Option) *page.Page {
		return page.Post(t, h, "/sign-in/forgotten", url.Values{"email": {email}}, options...)
	}
	page.Get(t, h, "/sign-in/forgotten").Not("#field-email") // no mail is set up
	h.mailing()
	page.Get(t, h, "/sign-in/forgotten").In("#field-email")
	var answers []string
	for _, email := range []string{"ANA@example.com", "nobody@example.com", "ben@example.com"} {
		answers = append(answers, ask(email).HasStatus(200).Text())
	}
	if answers[0] != answers[1] || answers[1] != answers[2] {
		t.Errorf("the answers differ: %q", answers)
	}
	// Nor does the time they take: all is left to the same job.
	var asked, written int
	if err := h.db.QueryRow(t.Context(), `select (select count(*) from jobs where kind = 'users.reset'), (select count(*) from mail_letters)`).Scan(&asked, &written); err != nil || asked != 3 || written != 0 {
		t.Errorf("%d jobs, %d letters before they are worked, %v", asked, written, err)
	}
	if all, err := store.All(t.Context(), h.db, store.Scalar[string], `select args from jobs`); err != nil || strings.Contains(strings.Join(all, " "), "example.com") {
		t.Errorf("a job names an address: %v, %v", all, err)
	}
	letters := h.posted()
	if len(letters) != 1 || letters[0].To != "ana@example.com" {
		t.Fatalf("%+v", letters)
	}
	// The link leads to us, whatever the one who asked says we are called.
	ask("ana@example.com", func(r *http.Request) { r.Host = "evil.example" })
	before := letters[0].Link
	if letters = h.posted(); len(letters) != 1 || !strings.HasPrefix(letters[0].Link, "https://shop.example/password/") || letters[0].Link == before {
		t.Fatalf("a new letter in the place of the one before, whose link works no more: %+v", letters)
	}
	for range 5 {
		ask("ana@example.com").HasStatus(200)
	}
	path := strings.TrimPrefix(h.posted()[0].Link, "https://shop.example")
	if err := h.db.QueryRow(t.Context(), `select count(*) from jobs where kind = 'mail.send'`).Scan(&written); err != nil || written != 3 {
		t.Errorf("%d letters within a quarter of an hour, %v", written, err)
	}
	clock.Advance(users.ResetLinkFor - time.Second)
	page.Post(t, h, path, url.Values{"password": {"eight grey dogs"}}).Redirects("/")
	page.Post(t, h, path, url.Values{"password": {"nine grey birds"}}).HasStatus(404)
	page.Post(t, h, "/sign-in", url.Values{"email": {"ana@example.com"}, "password": {"eight grey dogs"}}).HasStatus(http.StatusSeeOther)
	for range 40 {
		ask("somebody@example.com")
	}
	ask("somebody@example.com").HasStatus(http.StatusTooManyRequests)
}

func TestANewDeviceIsToldByMailAndAKnownOneIsNot(t *testing.T) {
	h := live(t, testkit.DB(t))
	h.mailing()
	come := func(agent string) {
		t.Helper()
		page.Post(t, h, "/sign-in", url.Values{"email": {"ana@example.com"}, "password": {secret}}, page.Header("User-Agent", agent)).HasStatus(http.StatusSeeOther)
	}
	come("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0") // the first time of all
	come("Mozilla/5.0 (X11; Linux x86_64) Firefox/141.0")
	if n := len(h.posted()); n != 0 {
		t.Fatalf("%d letters", n)
	}
	come("Mozilla/5.0 (iPhone) Safari/600")
	letters := h.posted()
	if len(letters) != 1 || !strings.Contains(letters[0].Lines[1], "Safari · iPhone") || letters[0].Link != "https://shop.example/account" {
		t.Fatalf("%+v", letters)
	}
	come("Mozilla/5.0 (iPhone) Safari/600")
	if n := len(h.posted()); n != 1 {
		t.Errorf("%d letters", n)
	}
	testkit.Do(t, h.db, func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), `update mail_settings set url = ''`)
		return err
	})
	come("Mozilla/5.0 (Android) Chrome/140")
	if letters := h.posted(); len(letters) != 2 || letters[1].Link != "" {
		t.Errorf("without an address of ours a letter leads to the one that the visitor's browser said: %+v", letters)
	}
}

func TestADeviceIsNoNewOneWhileItsEndedSessionIsKept(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		h := live(t, db)
		h.mailing()
		come := func() {
			t.Helper()
			page.Post(t, h, "/sign-in", url.Values{"email": {"ana@example.com"}, "password": {secret}}).HasStatus(http.StatusSeeOther)
		}
		forget := func() {
			t.Helper()
			if err := keeping.Run(t.Context(), db, keeping.Kinds(customers.Tables)); err != nil {
				t.Fatal(err)
			}
		}
		come()
		for i, c := range []struct {
			since   time.Duration // the session ended
			letters int
		}{{23 * time.Hour, 0}, {25 * time.Hour, 1}} {
			clock.Advance(users.IdleFor + c.since)
			forget()
			come()
			if n := len(h.posted()); n != c.letters {
				t.Errorf("%d: %d letters %s after the session ended", i, n, c.since)
			}
		}
	})
}

var hidden = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)"`)

func TestWhatIsSensitiveAsksAgainAndIsThenDoneAtOnce(t *testing.T) {
	clock := testkit.NewClock(testkit.Start)
	h := live(t, testkit.Open(t, testkit.DSN(t, "sqlite"), store.Options{Clock: clock.Now}))
	ana := page.As(h.session(h.owner))
	clock.Advance(users.ProofFor + time.Second)
	form := url.Values{"name": {"Ben <b>"}, "email": {"ben@example.com"}, "role": {"till"}, "language": {""}}
	p := page.Post(t, h, "/staff", form, ana).HasStatus(200).In("#field-proof_password").Not("#field-email")
	if _, err := users.ByEmail(t.Context(), h.db, "ben@example.com"); err == nil {
		t.Fatal("done without a proof")
	}
	again := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(p.Body, -1) {
		if !strings.HasPrefix(m[1], "proof_") {
			again.Set(m[1], strings.NewReplacer("&lt;", "<", "&gt;", ">").Replace(m[2]))
		}
	}
	again.Set("proof_password", "wrong password")
	page.Post(t, h, "/staff", again, ana).HasStatus(422).In("#field-proof_password")
	again.Set("proof_password", secret)
	page.Post(t, h, "/staff", again, ana).HasStatus(200).In("#field-link")
	if u, err := users.ByEmail(t.Context(), h.db, "ben@example.com"); err != nil || u.Name != "Ben <b>" {
		t.Fatalf("%+v, %v", u, err)
	}
	form.Set("email", "cleo@example.com")
	page.Post(t, h, "/staff", form, ana).HasStatus(200).In("#field-link") // proved just now
}

var secretShown = regexp.MustCompile(`<code[^>]*>([A-Z2-7 ]{32,})</code>`)

func TestThePageOfAnAppSetsItUpOnceAlsoWhenSentManyTimesAtTheSameMoment(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		h := live(t, db)
		ana := page.As(h.session(h.owner))
		p := page.Get(t, h, "/account/security/app", ana)
		secret := secretShown.FindStringSubmatch(p.Body)
		if secret == nil {
			t.Fatal("no secret is shown")
		}
		code, err := totp.GenerateCode(strings.ReplaceAll(secret[1], " ", ""), clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		form := url.Values{"ticket": {p.Attr("input[name=ticket]", "value")}, "code": {code}}
		statuses := make([]int, 6)
		var wg sync.WaitGroup
		for i := range statuses {
			wg.Go(func() {
				r := httptest.NewRequest(http.MethodPost, "/account/security/app", strings.NewReader(form.Encode()))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				ana(r)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				statuses[i] = w.Code
			})
		}
		wg.Wait()
		slices.Sort(statuses)
		if want := []int{200, 422, 422, 422, 422, 422}; !slices.Equal(statuses, want) {
			t.Errorf("the answers are %v, want %v", statuses, want)
		}
		page.Post(t, h, "/account/security/app", form, ana).HasStatus(422)
	})
}

func TestWhoMustHaveASecondFactorSeesNothingElseUntilTheyHave(t *testing.T) {
	h := live(t, testkit.DB(t))
	testkit.Do(t, h.db, func(tx *store.Tx) error {
		return users.SaveAccess(t.Context(), tx, h.owner, users.Access{}, users.Access{Second: []web.Role{web.Owner}})
	})
	ana := page.As(h.session(h.owner))
	for _, path := range []string{"/", "/staff", "/account"} {
		if w := page.Do(t, h, httptest.NewRequest(http.MethodGet, path, nil), ana); w.Status != http.StatusSeeOther || w.Header.Get("Location") != "/account/security" {
			t.Errorf("%s: status %d to %q", path, w.Status, w.Header.Get("Location"))
		}
	}
	page.Post(t, h, "/staff", url.Values{"name": {"Ben"}}, ana).Redirects("/account/security")
	page.Get(t, h, "/account/security", ana).In(".alert-warn")
	page.Get(t, h, "/account/security/app", ana).In(".qr")
	page.Post(t, h, "/sign-out", nil, ana).Redirects("/sign-in")
}

func TestWrongPasswordsOfOthersHoldUpNeitherTheOwnBrowserNorTheLetter(t *testing.T) {
	h := live(t, testkit.DB(t))
	h.mailing()
	come := func(password string, options ...page.Option) *page.Page {
		return page.Post(t, h, "/sign-in", url.Values{"email": {"ana@example.com"}, "password": {password}}, options...)
	}
	first := come(secret).HasStatus(http.StatusSeeOther)
	kept := ""
	for _, c := range (&http.Response{Header: first.Header}).Cookies() {
		if c.Name == "regulars_known" && c.HttpOnly && c.MaxAge > 0 {
			kept = c.Name + "=" + c.Value
		}
	}
	for range 10 {
		come("wrong").HasStatus(http.StatusUnprocessableEntity)
	}
	come(secret).HasStatus(http.StatusTooManyRequests)
	come(secret, page.Header("Cookie", kept)).HasStatus(http.StatusSeeOther)
	for i := range 30 {
		page.Post(t, h, "/sign-in", url.Values{"email": {strings.Repeat("x", i+1) + "@example.com"}, "password": {"wrong"}}).HasStatus(http.StatusUnprocessableEntity)
	}
	page.Post(t, h, "/sign-in", url.Values{"email": {"nobody@example.com"}, "password": {"wrong"}}).HasStatus(http.StatusTooManyRequests)
	page.Post(t, h, "/sign-in/forgotten", url.Values{"email": {"ana@example.com"}}).HasStatus(200)
	if n := len(h.posted()); n != 1 {
		t.Errorf("%d letters", n)
	}
}
