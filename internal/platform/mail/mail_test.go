package mail

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// server is a real mail server that keeps what it is given.
type server struct {
	mu      sync.Mutex
	got     []received
	refuse  error
	port    int
	secured []bool // whether each session was encrypted
	trust   func(host string) *tls.Config
}

type received struct {
	user, from string
	to         []string
	body       []byte
}

type session struct {
	s   *server
	c   *smtp.Conn
	now received
}

func (s *server) NewSession(c *smtp.Conn) (smtp.Session, error) { return &session{s: s, c: c}, nil }

func (x *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (x *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "shop" || password != "seven grey cats" {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "wrong password"}
		}
		x.now.user = user
		return nil
	}), nil
}

func (x *session) Mail(from string, _ *smtp.MailOptions) error { x.now.from = from; return nil }

func (x *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	if x.s.refuse != nil {
		return x.s.refuse
	}
	x.now.to = append(x.now.to, to)
	return nil
}

func (x *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	x.now.body = b
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	x.s.got = append(x.s.got, x.now)
	_, encrypted := x.c.TLSConnectionState()
	x.s.secured = append(x.s.secured, encrypted)
	return err
}

func (x *session) Reset()        { x.now = received{user: x.now.user} }
func (x *session) Logout() error { return nil }

// certificate is one for localhost, and the pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(made)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// start runs a mail server on loopback until the test ends, and trusts it.
func start(t *testing.T, security string) *server {
	t.Helper()
	cert, pool := certificate(t)
	s := &server{}
	srv := smtp.NewServer(s)
	srv.Domain, srv.TLSConfig, srv.AllowInsecureAuth = "localhost", &tls.Config{Certificates: []tls.Certificate{cert}}, false
	srv.ErrorLog = quiet{}
	if security == Plain {
		srv.TLSConfig = nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = listener.Addr().(*net.TCPAddr).Port
	if security == TLS {
		listener = tls.NewListener(listener, srv.TLSConfig)
	}
	go func() { _ = srv.Serve(listener) }()
	s.trust = func(host string) *tls.Config { return &tls.Config{ServerName: host, RootCAs: pool} }
	roots = s.trust
	t.Cleanup(func() { roots = nil; srv.Close() })
	return s
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func (s *server) settings(security string) Settings {
	x := Settings{Host: "localhost", Port: s.port, Security: security, From: "shop@example.com", FromName: "Corner Coffee"}
	if security != Plain {
		x.User, x.Password = "shop", "seven grey cats"
	}
	return x
}

var hello = Letter{To: "ana@example.com", Name: "Ána Nováková", Lang: "cs", Subject: "Pozvánka <do> obchodu",
	Lines: []string{"Dobrý den, " + strings.Repeat("dlouhá věta ", 20), "<script>alert(1)</script>"},
	Link:  "https://shop.example/password/ABC", Button: "Zvolit heslo", Foot: "Proč to dostáváte."}

func TestALetterGoesOutEncryptedAndSignedInAndIsReadAsItWasWritten(t *testing.T) {
	for _, security := range Securities {
		t.Run(security, func(t *testing.T) {
			s := start(t, security)
			if err := Send(t.Context(), s.settings(security), hello); err != nil {
				t.Fatal(err)
			}
			if len(s.got) != 1 {
				t.Fatalf("%d letters came", len(s.got))
			}
			got := s.got[0]
			if s.secured[0] != (security != Plain) || got.from != "shop@example.com" || strings.Join(got.to, " ") != "ana@example.com" {
				t.Errorf("%+v, encrypted: %v", got, s.secured)
			}
			if security != Plain && got.user != "shop" {
				t.Error("nobody signed in")
			}
			text, page := parts(t, got.body)
			for _, want := range []string{"Dobrý den, dlouhá věta", "https://shop.example/password/ABC", "Proč to dostáváte.", "<script>alert(1)</script>"} {
				if !strings.Contains(text, want) {
					t.Errorf("the text has no %q:\n%s", want, text)
				}
			}
			for line := range strings.Lines(text) {
				if len([]rune(strings.TrimSpace(line))) > width {
					t.Errorf("a line is too long: %q", line)
				}
			}
			if !strings.Contains(page, `href="https://shop.example/password/ABC"`) || strings.Contains(page, "<script>") || !strings.Contains(page, `lang="cs"`) {
				t.Errorf("the page is wrong:\n%s", page)
			}
		})
	}
}

// parts reads a message and returns its text and its HTML.
func parts(t *testing.T, body []byte) (text, page string) {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if s, _ := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); s != "Pozvánka <do> obchodu" {
		t.Errorf("the subject is %q", s)
	}
	to, err := netmail.ParseAddress(m.Header.Get("To"))
	if err != nil || to.Name != "Ána Nováková" || m.Header.Get("Message-ID") == "" || m.Header.Get("Auto-Submitted") != "auto-generated" {
		t.Errorf("%v %v", m.Header, err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return text, page
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(p.Header.Get("Content-Type"), "text/plain") {
			text = string(b)
		} else {
			page = string(b)
		}
	}
}

func TestALetterIsNotSaidInTheClear(t *testing.T) {
	s := start(t, Plain) // a server that knows no encryption
	for _, security := range []string{StartTLS, TLS} {
		if err := Send(t.Context(), s.settings(security), hello); err == nil || len(s.got) > 0 {
			t.Errorf("%s: sent without encryption: %v", security, err)
		}
	}
	good := start(t, StartTLS)
	roots = nil // nobody vouches for the server
	if err := Send(t.Context(), good.settings(StartTLS), hello); err == nil || len(good.got) > 0 {
		t.Errorf("sent to a server that nobody vouches for: %v", err)
	}
}

func TestARefusalForGoodIsToldFromOneForNow(t *testing.T) {
	s := start(t, StartTLS)
	wrong := s.settings(StartTLS)
	wrong.Password = "wrong"
	if err := Send(t.Context(), wrong, hello); err == nil || strings.Contains(err.Error(), "wrong password") && strings.Contains(err.Error(), "seven") {
		t.Errorf("a wrong password: %v", err)
	}
	s.refuse = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no ana@example.com here"}
	err := Send(t.Context(), s.settings(StartTLS), hello)
	if !errs.Is(err, errs.Invalid) || strings.Contains(err.Error(), "ana@") {
		t.Errorf("550: %v", err)
	}
	s.refuse = &smtp.SMTPError{Code: 451, Message: "later"}
	if err := Send(t.Context(), s.settings(StartTLS), hello); err == nil || errs.Is(err, errs.Invalid) {
		t.Errorf("451: %v", err)
	}
}

func post(t *testing.T, db *store.DB) {
	t.Helper()
	testkit.Do(t, db, func(tx *store.Tx) error { return Post(t.Context(), tx, hello) })
}

func letters(t *testing.T, db *store.DB) (n int) {
	t.Helper()
	if err := db.QueryRow(t.Context(), `select count(*) from mail_letters`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestALetterWaitsSealedAndIsForgottenOnceItHasGone(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		s := start(t, StartTLS)
		testkit.Do(t, db, func(tx *store.Tx) error { return Save(t.Context(), tx, withURL(s.settings(StartTLS))) })
		s.refuse = &smtp.SMTPError{Code: 451, Message: "later"}
		post(t, db)
		for _, query := range []string{`select body from mail_letters`, `select password from mail_settings`} {
			var raw []byte
			if err := db.QueryRow(t.Context(), query).Scan(&raw); err != nil || bytes.Contains(raw, []byte("ana@")) || bytes.Contains(raw, []byte("seven")) {
				t.Fatalf("%s: %q, %v", query, raw, err)
			}
		}
		var args string
		if err := db.QueryRow(t.Context(), `select args from jobs where kind = 'mail.send'`).Scan(&args); err != nil || strings.Contains(args, "@") {
			t.Fatalf("%q, %v", args, err)
		}
		drain(t, db)
		if last, err := LastTry(t.Context(), db); err != nil || last.Error == "" || letters(t, db) != 1 {
			t.Fatalf("%+v, %v", last, err)
		}
		s.mu.Lock()
		s.refuse = nil
		s.mu.Unlock()
		clock.Advance(time.Hour)
		drain(t, db)
		if last, err := LastTry(t.Context(), db); err != nil || last.Error != "" || letters(t, db) != 0 || len(s.got) != 1 {
			t.Fatalf("%+v, %v, %d letters came", last, err, len(s.got))
		}
		clock.Advance(time.Hour)
		drain(t, db)
		if len(s.got) != 1 {
			t.Errorf("it came %d times", len(s.got))
		}
	})
}

func withURL(s Settings) Settings { s.URL = "https://shop.example"; return s }

func drain(t *testing.T, db *store.DB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := jobs.Drain(ctx, db, Jobs(db, Settings{})); err != nil && !strings.Contains(err.Error(), "later") {
		t.Logf("drain: %v", err)
	}
}

func TestALetterThatNobodyCouldSendIsNotKeptForEver(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		s := start(t, StartTLS)
		post(t, db) // no mail is set up
		drain(t, db)
		testkit.Do(t, db, func(tx *store.Tx) error { return Save(t.Context(), tx, withURL(s.settings(StartTLS))) })
		clock.Advance(triedFor)
		drain(t, db)
		if n := letters(t, db); n != 1 || len(s.got) != 0 {
			t.Errorf("%d letters, %d went out although their link has ended", n, len(s.got))
		}
		clock.Advance(keptFor)
		post(t, db)
		if n := letters(t, db); n != 1 {
			t.Errorf("%d letters", n)
		}
	})
}

func TestItCanBeReadWhyALetterHasNotGoneOutUntilItHas(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		s := start(t, StartTLS)
		nobody, plain := start(t, Plain), s.settings(StartTLS)
		to := func(about string) {
			l := hello
			l.About = about
			testkit.Do(t, db, func(tx *store.Tx) error { return Post(t.Context(), tx, l) })
		}
		failures := func() map[string]Failure {
			drain(t, db)
			all, err := Failures(t.Context(), db)
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		to("usr_1")
		if f := failures()["usr_1"]; errs.KeyOf(f.Reason) != "mail.none" || f.Final {
			t.Errorf("without a server: %+v", f)
		}
		wrong, gone, unknown, other := plain, plain, plain, plain
		wrong.Password, gone.Port, unknown.Host, other.Port = "wrong", closed(t), "mail.invalid", nobody.port
		for _, c := range []struct {
			settings Settings
			trust    func(string) *tls.Config
			refuse   error
			reason   string
			final    bool
		}{
			{wrong, s.trust, nil, "mail.failed.sign-in", false},
			{gone, s.trust, nil, "mail.failed.answer", false},
			{unknown, s.trust, nil, "mail.failed.name", false},
			{plain, nil, nil, "mail.failed.encryption", false},
			{other, s.trust, nil, "mail.failed.other", false}, // it cannot encrypt at all
			{plain, s.trust, &smtp.SMTPError{Code: 451, Message: "later"}, "mail.failed.later", false},
			{plain, s.trust, &smtp.SMTPError{Code: 550, Message: "nobody"}, "mail.refused", true},
		} {
			roots = c.trust
			s.mu.Lock()
			s.refuse = c.refuse
			s.mu.Unlock()
			testkit.Do(t, db, func(tx *store.Tx) error { return Save(t.Context(), tx, withURL(c.settings)) })
			clock.Advance(time.Second)
			to("usr_1") // in the place of the one before
			all := failures()
			if f := all["usr_1"]; len(all) != 1 || errs.KeyOf(f.Reason) != c.reason || f.Final != c.final || !f.At.Equal(db.Now()) {
				t.Errorf("%s: %+v", c.reason, all)
			}
			if n := letters(t, db); n != 1 {
				t.Errorf("%s: %d letters", c.reason, n)
			}
		}
		to("")
		to("usr_2")
		if all := failures(); len(all) != 2 {
			t.Errorf("%+v", all)
		}
		testkit.Do(t, db, func(tx *store.Tx) error { return TakeBack(t.Context(), tx, "usr_2") })
		s.mu.Lock()
		s.refuse = nil
		s.mu.Unlock()
		to("usr_1")
		if all := failures(); len(all) != 0 || len(s.got) != 1 {
			t.Errorf("%+v, and %d went out", all, len(s.got))
		}
	})
}

// closed is a port where nobody listens.
func closed(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestSettingsThatCannotBeAreRefusedWithTheirField(t *testing.T) {
	db := testkit.DB(t)
	good := Settings{Host: "smtp.example.com", Security: StartTLS, From: "a@example.com", URL: "https://shop.example/"}
	for field, s := range map[string]Settings{
		"":         good,
		"host":     {Host: "smtp example", Security: StartTLS, From: "a@example.com", URL: "https://x.example"},
		"port":     {Host: "smtp.example.com", Port: 70000, Security: StartTLS, From: "a@example.com", URL: "https://x.example"},
		"security": {Host: "smtp.example.com", From: "a@example.com", URL: "https://x.example"},
		"from":     {Host: "smtp.example.com", Security: TLS, From: "Ana <a@example.com>", URL: "https://x.example"},
		"url":      {Host: "smtp.example.com", Security: TLS, From: "a@example.com", URL: "shop.example"},
	} {
		err := db.Tx(t.Context(), func(tx *store.Tx) error { return Save(t.Context(), tx, s) })
		if errs.FieldOf(err) != field || (err == nil) != (field == "") {
			t.Errorf("%q: %v", field, err)
		}
	}
	if s, err := Load(t.Context(), db); err != nil || s.URL != "https://shop.example" || s.port() != 587 {
		t.Errorf("%+v, %v", s, err)
	}
}
