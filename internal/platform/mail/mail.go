// Package mail sends letters over SMTP, from background work.
//
// Its one rule: it knows bytes, not meaning. A letter waits sealed until it
// has gone out and is then forgotten, as there may be a link in it that lets
// somebody in. Why one has not gone out can be read.
package mail

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/text"
)

// How the connection to a mail server is made.
const (
	StartTLS = "starttls" // begins plain and is encrypted before anything is said; port 587
	TLS      = "tls"      // encrypted from the first byte; port 465
	Plain    = "none"     // never encrypted: for a server on this machine
)

// Securities are the ways of connecting, the usual one first.
var Securities = []string{StartTLS, TLS, Plain}

// Settings say how mail goes out. Without a Host none does.
type Settings struct {
	Host     string
	Port     int // 0: the usual one of Security
	Security string
	User     string // empty: without signing in
	Password string
	From     string // the address that letters come from
	FromName string // may be empty
	URL      string // where people reach this program, for links: https://shop.example/regulars
}

// Ready reports whether mail can go out at all.
func (s Settings) Ready() bool { return s.Host != "" && s.From != "" }

// Letter is one mail to one person. It is written as plain text and as HTML.
type Letter struct {
	To      string // an address
	Name    string // of the person; may be empty
	Lang    string // of its text: "cs"
	Subject string
	Lines   []string // paragraphs
	Link    string   // a complete address; may be empty
	Button  string   // what the link is called
	Foot    string   // why the person gets this; may be empty

	// About is for whom the link is, in words of the module that posts: a later
	// letter about the same takes its place. Empty: it stands for itself.
	About string `json:"-"`
}

// timeout bounds one sending, greeting to goodbye.
const timeout = 60 * time.Second

// Send hands a letter to the mail server. An error that no further try can
// mend (the server refuses the address) is of the kind errs.Invalid, any other
// of the server errs.Unavailable.
func Send(ctx context.Context, s Settings, l Letter) error {
	m, err := s.message(l)
	if err != nil {
		return err
	}
	c, err := s.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := c.DialAndSendWithContext(ctx, m); err != nil {
		// What a server says may hold the address.
		said := errors.New(text.Masked(err.Error(), 500))
		var refused *gomail.SendError
		if errors.As(err, &refused) && !refused.IsTemp() && refused.ErrorCode() >= 500 {
			return errs.Of(errs.Invalid, said, "mail.refused")
		}
		said = fmt.Errorf("send a letter by %s: %w", net.JoinHostPort(s.Host, strconv.Itoa(s.port())), said)
		return unavailable(err, said)
	}
	return nil
}

func (s Settings) message(l Letter) (*gomail.Msg, error) {
	m := gomail.NewMsg()
	if err := m.FromFormat(s.FromName, s.From); err != nil {
		return nil, errs.Wrong("from", "mail.from.wrong")
	}
	if err := m.AddToFormat(l.Name, l.To); err != nil {
		return nil, errs.Wrong("", "mail.refused")
	}
	m.Subject(text.Line(l.Subject))
	m.SetMessageID()
	m.SetDate()
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader(gomail.HeaderContentLang, l.Lang)
	m.SetBodyString(gomail.TypeTextPlain, l.plain())
	page, err := l.html()
	if err != nil {
		return nil, fmt.Errorf("write a letter: %w", err)
	}
	m.AddAlternativeString(gomail.TypeTextHTML, page)
	return m, nil
}

func (s Settings) client() (*gomail.Client, error) {
	options := []gomail.Option{gomail.WithPort(s.port()), gomail.WithTimeout(30 * time.Second)}
	switch s.Security {
	case TLS:
		options = append(options, gomail.WithSSL())
	case Plain:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if roots != nil {
		options = append(options, gomail.WithTLSConfig(roots(s.Host)))
	}
	if s.User != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.User), gomail.WithPassword(s.Password))
	}
	c, err := gomail.NewClient(s.Host, options...)
	if err != nil {
		return nil, errs.Of(errs.Invalid, err, "mail.host.wrong")
	}
	return c, nil
}

func (s Settings) port() int {
	switch {
	case s.Port != 0:
		return s.Port
	case s.Security == TLS:
		return 465
	case s.Security == Plain:
		return 25
	}
	return 587
}

// Files holds the sentences of this module.
//
//go:embed text
var Files embed.FS
