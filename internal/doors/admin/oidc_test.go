package admin_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

const theirUsers = `{
	"1": {"ID": "1", "Username": "ben", "Password": "theirs", "FirstName": "Ben", "LastName": "Kral", "Email": "Ben@Example.com", "EmailVerified": true},
	"2": {"ID": "2", "Username": "cleo", "Password": "theirs", "FirstName": "Cleo", "LastName": "Park", "Email": "cleo@shop.example", "EmailVerified": true, "IsAdmin": true},
	"3": {"ID": "3", "Username": "mallory", "Password": "theirs", "FirstName": "M", "LastName": "M", "Email": "ana@example.com", "EmailVerified": false},
	"4": {"ID": "4", "Username": "dana", "Password": "theirs", "FirstName": "Dana", "LastName": "Bo", "Email": "dana@shop.example", "EmailVerified": true}
}`

// provider starts a real OpenID provider as a process of its own and returns
// its address.
func provider(t *testing.T, back string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("a provider is not short")
	}
	dir := t.TempDir()
	program, file := filepath.Join(dir, "oidc"), filepath.Join(dir, "users.json")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = filepath.Join(testkit.Root(t), "tools", "oidc")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the provider: %v\n%s", err, out)
	}
	if err := os.WriteFile(file, []byte(theirUsers), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-users", file, "-back", back)
	stdin, err := cmd.StdinPipe() // it ends when this does
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close(); _ = cmd.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// office is a house whose staff sign in by another system.
type office struct {
	house
	url, issuer string
}

func (o office) let(access users.OIDC) {
	o.t.Helper()
	access.Issuer, access.Client, access.Secret, access.Name = o.issuer, "regulars", "a secret of theirs", "The office"
	testkit.Do(o.t, o.db, func(tx *store.Tx) error {
		return users.SaveAccess(o.t.Context(), tx, o.owner, users.Access{}, users.Access{OIDC: access})
	})
}

var theirForm = regexp.MustCompile(`name="id" value="([^"]+)"`)

// browse is a browser with cookies of its own.
func browse(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

func (o office) read(r *http.Response, err error) (status int, body string, at *url.URL) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return r.StatusCode, string(b), r.Request.URL
}

// comeIn goes to the other system, signs in there and comes back.
func (o office) comeIn(c *http.Client, name string) (status int, body string, at *url.URL) {
	o.t.Helper()
	_, body, at = o.read(c.Get(o.url + "/sign-in/other?next=/account"))
	id := theirForm.FindStringSubmatch(body)
	if id == nil {
		o.t.Fatalf("the provider shows no form at %s: %s", at, body)
	}
	return o.read(c.PostForm(o.issuer+"/login/username", url.Values{"id": {id[1]}, "username": {name}, "password": {"theirs"}}))
}

func TestStaffSignInByAnotherSystem(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) { signInByAnother(t, engine) })
	}
}

func signInByAnother(t *testing.T, engine string) {
	h := live(t, testkit.Open(t, testkit.DSN(t, engine), store.Options{}))
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	o := office{house: h, url: server.URL, issuer: provider(t, server.URL+"/sign-in/other/back")}
	o.let(users.OIDC{})

	refused := func(name, want string) {
		t.Helper()
		if status, body, at := o.comeIn(browse(t), name); status != http.StatusUnprocessableEntity || !strings.Contains(body, want) {
			t.Errorf("%s: status %d at %s, not %q", name, status, at, want)
		}
	}
	accepted := func(c *http.Client, name, shown string) {
		t.Helper()
		if status, body, at := o.comeIn(c, name); status != http.StatusOK || at.Path != "/account" || !strings.Contains(body, shown) {
			t.Errorf("%s: status %d at %s without %q", name, status, at, shown)
		}
	}
	refused("ben", "Nobody has invited you")
	refused("mallory", "does not vouch") // says she is the owner, unproved
	ben := h.add("Benjamin", "ben@example.com", web.Till)
	accepted(browse(t), "ben", "Benjamin")

	if r, err := http.Post(o.issuer+"/rotate", "", nil); err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("rotate: %v", err)
	}
	c := browse(t)
	accepted(c, "ben", "Benjamin") // with keys that we had not seen

	refused("cleo", "Nobody has invited you")
	o.let(users.OIDC{Domains: []string{"shop.example"}, Role: web.Viewer, Claim: "groups", Roles: map[string]web.Role{"admins": web.Manager}})
	accepted(browse(t), "cleo", "Cleo Park")
	accepted(browse(t), "dana", "Dana Bo")
	accepted(browse(t), "ben", "Benjamin") // invited from another domain
	for email, want := range map[string]web.Role{"cleo@shop.example": web.Manager, "dana@shop.example": web.Viewer, "ben@example.com": web.Till} {
		if u, err := users.ByEmail(t.Context(), h.db, email); err != nil || u.Role != want {
			t.Errorf("%s: %+v, %v", email, u, err)
		}
	}
	testkit.Do(t, h.db, func(tx *store.Tx) error { return users.Disable(t.Context(), tx, h.owner, ben) })
	refused("ben", "Nobody has invited you")
}

func TestASignInThatThisBrowserDidNotBeginIsRefused(t *testing.T) {
	h := live(t, testkit.Open(t, testkit.DSN(t, "sqlite"), store.Options{}))
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	o := office{house: h, url: server.URL, issuer: provider(t, server.URL+"/sign-in/other/back")}
	o.let(users.OIDC{})
	h.add("Benjamin", "ben@example.com", web.Till)

	// Somebody begins, and has another's browser end it.
	theirs := browse(t)
	stop := &http.Client{Jar: theirs.Jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), server.URL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	_, body, _ := o.read(stop.Get(o.issuer + followTo(t, o, theirs)))
	id := theirForm.FindStringSubmatch(body)
	r, err := stop.PostForm(o.issuer+"/login/username", url.Values{"id": {id[1]}, "username": {"ben"}, "password": {"theirs"}})
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	back := r.Header.Get("Location")
	if !strings.HasPrefix(back, server.URL+"/sign-in/other/back?") {
		t.Fatalf("sent to %q", back)
	}
	if status, _, at := o.read(browse(t).Get(back)); status != http.StatusUnprocessableEntity {
		t.Errorf("another browser ended it: status %d at %s", status, at)
	}
	changed := strings.Replace(back, "state=", "state=A", 1)
	if status, _, at := o.read(theirs.Get(changed)); status != http.StatusUnprocessableEntity {
		t.Errorf("with another state: status %d at %s", status, at)
	}
}

// followTo begins a sign-in and returns the rest of the provider's address.
func followTo(t *testing.T, o office, c *http.Client) string {
	t.Helper()
	once := &http.Client{Jar: c.Jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := once.Get(o.url + "/sign-in/other")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	to := r.Header.Get("Location")
	for _, want := range []string{"code_challenge=", "code_challenge_method=S256", "nonce=", "state="} {
		if !strings.Contains(to, want) {
			t.Errorf("%s has no %s", to, want)
		}
	}
	return strings.TrimPrefix(to, o.issuer)
}

func TestAnotherSystemThatIsAwaySaysSo(t *testing.T) {
	h := live(t, testkit.DB(t))
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	o := office{house: h, issuer: gone.URL}
	o.let(users.OIDC{})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/sign-in/other", nil))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "cannot be reached") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}
