package users

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/mail"
	"regulars/internal/platform/store"
)

// letterFiles hold the texts of letters to staff. They are a catalogue of
// their own: a letter is in the language of who gets it, also where the pages
// are not yet.
//
//go:embed letters
var letterFiles embed.FS

// LetterTexts loads the texts of letters.
func LetterTexts() (*locale.Catalog, error) {
	files, err := fs.Sub(letterFiles, "letters")
	if err != nil {
		return nil, err
	}
	return locale.Load(files)
}

// The letters that staff get.
const (
	letterInvited  = "invited"
	letterReset    = "reset"
	letterSignedIn = "signed-in"
	letterTest     = "test"
)

// letter is what one is made of.
type letter struct {
	kind string
	shop string
	link string // complete; may be empty
	args []any  // names and values of the sentence
}

// write puts a letter into words, in the language of who gets it.
func write(texts *locale.Catalog, u User, l letter) mail.Letter {
	p := texts.For(u.Language)
	args := append([]any{"Name", u.Name, "Shop", l.shop, "Email", u.Email}, l.args...)
	say := func(part string) string { return p.T("letter."+l.kind+"."+part, args...) }
	m := mail.Letter{To: u.Email, Name: u.Name, Lang: p.Lang, Subject: say("subject"), Link: l.link,
		Lines: []string{p.T("letter.hello", args...), say("text"), say("note")}, Foot: p.T("letter.foot", args...)}
	if l.link != "" {
		m.Button = say("button")
	}
	return m
}

// post puts a letter to a member of staff into the transaction.
func (d Desk) post(ctx context.Context, tx *store.Tx, u User, l letter) error {
	m := write(d.Letters, u, l)
	if l.kind == letterInvited || l.kind == letterReset {
		m.About = u.ID.String()
	}
	return mail.Post(ctx, tx, m)
}

// ResetLinkFor is how long a link that was asked for by mail works.
const ResetLinkFor = time.Hour

// ResetLink makes the token of a link for who forgot the password and asked
// for it; it replaces an earlier one.
func ResetLink(ctx context.Context, tx *store.Tx, user id.User) (token string, err error) {
	if err := takeBackLinks(ctx, tx, user); err != nil {
		return "", err
	}
	if err := Audit(ctx, tx, Change{Action: "user.reset_asked", Subject: user.String()}); err != nil {
		return "", err
	}
	return newLink(ctx, tx, "password", user, ResetLinkFor)
}

// newDevice reports whether the member of staff signed in before, and never
// from such a device as far as we still know.
func newDevice(ctx context.Context, q store.Querier, user id.User, device string) (bool, error) {
	var before bool
	var same int
	err := q.QueryRow(ctx, `
		select signed_in_at is not null, (select count(*) from sessions where user_id = $1 and device = $2)
		from users where id = $1`, int64(user), device).Scan(&before, &same)
	if err != nil {
		return false, fmt.Errorf("look for the device: %w", err)
	}
	return before && same == 0, nil
}
