package users

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

// once are the tickets that let somebody do something a single time. Each
// makes a fresh one and returns its use, which may be called at the same
// moment more than once.
var once = map[string]func(t *testing.T, s *scene) (use func() error){
	"an invitation": func(t *testing.T, s *scene) func() error {
		return s.link(t, func(tx *store.Tx) (string, error) { return Link(t.Context(), tx, 0, s.ana) })
	},
	"a letter for who forgot the password": func(t *testing.T, s *scene) func() error {
		return s.link(t, func(tx *store.Tx) (string, error) { return ResetLink(t.Context(), tx, s.ana) })
	},
	"a code of the app": func(t *testing.T, s *scene) func() error {
		s.clock.Advance(time.Minute)
		h, code := halfIn(t, s.db, "ana@example.com"), codeAt(t, s.secret, s.clock.Now())
		return func() error { return s.finish(t, h, code) }
	},
	"a recovery code": func(t *testing.T, s *scene) func() error {
		var codes []string
		testkit.Do(t, s.db, func(tx *store.Tx) (err error) { codes, err = NewCodes(t.Context(), tx, s.ana); return err })
		h := halfIn(t, s.db, "ana@example.com")
		return func() error { return s.finish(t, h, codes[0]) }
	},
	"a sign-in by another system": func(t *testing.T, s *scene) func() error {
		back := "https://shop.example/sign-in/other/back"
		access := OIDC{Issuer: s.other.URL, Client: "regulars", Secret: "x"}
		to, kept, err := BeginOther(t.Context(), s.db, access, back, "/")
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		answer := url.Values{"state": {u.Query().Get("state")}, "code": {u.Query().Get("nonce")}}
		return func() error {
			_, _, err := FinishOther(t.Context(), s.db, access, back, kept, answer, Try{Address: "203.0.113.7"})
			return err
		}
	},
	"a passkey that is made": func(t *testing.T, s *scene) func() error {
		c, err := AskNewPasskey(t.Context(), s.db, s.house, s.ana)
		if err != nil {
			t.Fatal(err)
		}
		// Each answer is of another passkey, so that only the ticket is the same.
		return func() error {
			return AddPasskey(t.Context(), s.db, s.house, s.ana, c, newDeviceKey(t).made(t, c), "key")
		}
	},
	"a passkey that is shown": func(t *testing.T, s *scene) func() error {
		k := newDeviceKey(t)
		made, err := AskNewPasskey(t.Context(), s.db, s.house, s.ana)
		if err == nil {
			err = AddPasskey(t.Context(), s.db, s.house, s.ana, made, k.made(t, made), "key")
		}
		if err != nil {
			t.Fatal(err)
		}
		c, err := AskPasskey(s.db, s.house)
		if err != nil {
			t.Fatal(err)
		}
		answer := k.shown(t, c, s.ana)
		return func() error {
			_, err := SignInByPasskey(t.Context(), s.db, s.house, c, answer, Try{Address: "203.0.113.7"})
			return err
		}
	},
}

func TestWhatWorksOnceIsRefusedTheSecondTime(t *testing.T) {
	eachOnce(t, func(t *testing.T, fresh func() func() error) {
		use := fresh()
		if err := use(); err != nil {
			t.Fatalf("the first time: %v", err)
		}
		for range 2 {
			if err := use(); !refused(err) {
				t.Errorf("a second time: %v", err)
			}
		}
	})
}

func TestOfManyUsesAtTheSameMomentOneWins(t *testing.T) {
	eachOnce(t, func(t *testing.T, fresh func() func() error) {
		for range 4 {
			use := fresh()
			answers := make([]error, 6)
			begin := make(chan struct{})
			var wg sync.WaitGroup
			for i := range answers {
				wg.Go(func() {
					<-begin
					answers[i] = use()
				})
			}
			close(begin)
			wg.Wait()
			won := 0
			for _, err := range answers {
				switch {
				case err == nil:
					won++
				case !refused(err):
					t.Errorf("refused by a fault of ours: %v", err)
				}
			}
			if won != 1 {
				t.Errorf("%d uses won", won)
			}
		}
	})
}

// refused reports whether an error tells a person that it cannot be used.
func refused(err error) bool { return errs.Is(err, errs.Invalid) || errs.Is(err, errs.NotFound) }

func eachOnce(t *testing.T, test func(t *testing.T, fresh func() func() error)) {
	other := provider(t)
	for name, ticket := range once {
		t.Run(name, func(t *testing.T) {
			testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
				s := &scene{db: db, clock: clock, other: other, house: House{Name: "Corner Coffee", Address: "https://shop.example"}}
				s.ana, s.secret = member(t, db, "ana@example.com", web.Owner)
				test(t, func() func() error { return ticket(t, s) })
			})
		})
	}
}

// scene is where tickets are used.
type scene struct {
	db     *store.DB
	clock  *testkit.Clock
	ana    id.User
	secret string // of her app
	house  House
	other  *httptest.Server
	from   atomic.Int64
}

func (s *scene) link(t *testing.T, make func(tx *store.Tx) (string, error)) func() error {
	t.Helper()
	p, err := NewPassword("eight brown dogs")
	if err != nil {
		t.Fatal(err)
	}
	var token string
	testkit.Do(t, s.db, func(tx *store.Tx) error { token, err = make(tx); return err })
	return func() error {
		return s.db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := UseLink(t.Context(), tx, token, p)
			return err
		})
	}
}

func (s *scene) finish(t *testing.T, h Half, code string) error {
	from := fmt.Sprint("198.51.100.", s.from.Add(1)) // so that no try has to wait for another
	_, err := Finish(t.Context(), s.db, h, code, Try{Address: from})
	return err
}

// provider is another system that says, of whatever code, that Ana signs in.
// The code is the nonce, as often as it comes: only we can refuse it.
func provider(t *testing.T) *httptest.Server {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"issuer": server.URL, "authorization_endpoint": server.URL + "/authorize", "token_endpoint": server.URL + "/token",
			"jwks_uri": server.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"keys": []any{map[string]string{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1",
			"n": text(key.N.Bytes()), "e": text(big.NewInt(int64(key.E)).Bytes())}}})
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		said, _ := json.Marshal(map[string]any{"iss": server.URL, "aud": "regulars", "sub": "1", "email": "ana@example.com", "email_verified": true,
			"nonce": r.FormValue("code"), "iat": testkit.Start.Unix(), "exp": testkit.Start.Add(365 * 24 * time.Hour).Unix()})
		body := text([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + text(said)
		sum := sha256.Sum256([]byte(body))
		signed, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answer(w, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": body + "." + text(signed)})
	})
	return server
}

// deviceKey is a passkey as a person's device holds it.
type deviceKey struct {
	id  []byte
	key *ecdsa.PrivateKey
}

func newDeviceKey(t *testing.T) deviceKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return deviceKey{[]byte(rand.Text()), key}
}

// about is what a device says of itself and of the house: present and
// verified, and more of it in flags.
func (k deviceKey) about(flags byte) []byte {
	house := sha256.Sum256([]byte("shop.example"))
	return append(house[:], flags|0x05, 0, 0, 0, 0)
}

// client is what the browser adds, and the challenge it was asked with.
func client(t *testing.T, c Ceremony, kind string) []byte {
	t.Helper()
	var asked struct{ Challenge string }
	if err := json.Unmarshal([]byte(c.Options), &asked); err != nil || asked.Challenge == "" {
		t.Fatalf("%s: %v", c.Options, err)
	}
	return fmt.Appendf(nil, `{"type":%q,"challenge":%q,"origin":"https://shop.example"}`, kind, asked.Challenge)
}

// made is the answer of a browser that was asked to make a passkey.
func (k deviceKey) made(t *testing.T, c Ceremony) string {
	t.Helper()
	public, err := k.key.PublicKey.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	point := public.Bytes() // 4, x, y
	about := append(k.about(0x40), make([]byte, 16)...)
	about = binary.BigEndian.AppendUint16(about, uint16(len(k.id)))
	about = append(about, k.id...)
	about = append(about, 0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20) // COSE: an ES256 key on P-256, x and y
	about = append(about, point[1:33]...)
	about = append(about, 0x22, 0x58, 0x20)
	about = append(about, point[33:]...)
	object := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"), byte(len(about)))
	return k.answer(t, map[string]string{
		"attestationObject": handleOf(append(object, about...)), "clientDataJSON": handleOf(client(t, c, "webauthn.create"))})
}

// shown is the answer of a browser that was asked to show one.
func (k deviceKey) shown(t *testing.T, c Ceremony, user id.User) string {
	t.Helper()
	about, said := k.about(0), client(t, c, "webauthn.get")
	sum := sha256.Sum256(said)
	whole := sha256.Sum256(append(append([]byte{}, about...), sum[:]...))
	signed, err := ecdsa.SignASN1(rand.Reader, k.key, whole[:])
	if err != nil {
		t.Fatal(err)
	}
	return k.answer(t, map[string]string{"authenticatorData": handleOf(about), "clientDataJSON": handleOf(said), "signature": handleOf(signed),
		"userHandle": handleOf(binary.BigEndian.AppendUint64(nil, uint64(user)))})
}

func (k deviceKey) answer(t *testing.T, response map[string]string) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"id": handleOf(k.id), "rawId": handleOf(k.id), "type": "public-key", "response": response})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
