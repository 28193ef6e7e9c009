package users

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"crypto/rand"
	"crypto/subtle"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
	"regulars/internal/platform/web"
)

// OtherSignIn is what a sign-in by another system carries from its begin to
// its end, in a sealed cookie of the browser that began it.
type OtherSignIn struct {
	State, Nonce, Verifier, Next string
}

const (
	otherPurpose = "other sign-in"
	otherFor     = 15 * time.Minute
)

// party is the other system as its own description has it. The context may
// carry the HTTP client to ask with.
func (o OIDC) party(ctx context.Context, back string) (*oidc.Provider, *oauth2.Config, error) {
	p, err := oidc.NewProvider(ctx, o.Issuer)
	if err != nil {
		return nil, nil, errs.Of(errs.Unavailable, err, "users.wrong.oidc-away")
	}
	return p, &oauth2.Config{
		ClientID: o.Client, ClientSecret: o.Secret, Endpoint: p.Endpoint(), RedirectURL: back,
		Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
	}, nil
}

// BeginOther returns where the browser is sent to sign in by the other
// system, and the ticket that it keeps meanwhile. Back is the complete address
// it comes back to.
func BeginOther(ctx context.Context, db *store.DB, o OIDC, back, next string) (to, kept string, err error) {
	_, config, err := o.party(ctx, back)
	if err != nil {
		return "", "", err
	}
	s := OtherSignIn{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: next}
	kept, err = seal(db, otherPurpose, db.Now().Add(otherFor), s)
	return config.AuthCodeURL(s.State, oidc.Nonce(s.Nonce), oauth2.S256ChallengeOption(s.Verifier)), kept, err
}

// claims are what the other system says of who signs in.
type claims struct {
	Email    string `json:"email"`
	Verified bool   `json:"email_verified"`
	Name     string `json:"name"`
	roles    []string
}

// FinishOther signs in whom the other system sent back with a code. It returns
// where they wanted to go. Who is not invited is errs.Forbidden.
func FinishOther(ctx context.Context, db *store.DB, o OIDC, back, kept string, answer url.Values, t Try) (token, next string, err error) {
	s, err := unseal[OtherSignIn](db, otherPurpose, kept)
	if err != nil {
		return "", "", err
	}
	if subtle.ConstantTimeCompare([]byte(s.State), []byte(answer.Get("state"))) != 1 {
		return "", "", errs.Wrong("", "users.wrong.ticket")
	}
	if answer.Get("error") != "" || answer.Get("code") == "" {
		return "", "", errs.Wrong("", "users.wrong.oidc-refused")
	}
	subject, c, err := o.ask(ctx, db.Now, back, s, answer.Get("code"))
	if err != nil {
		return "", "", err
	}
	err = db.Tx(ctx, func(tx *store.Tx) error {
		if err := useOnce(ctx, tx, kept); err != nil {
			return err
		}
		user, err := o.whose(ctx, tx, subject, c)
		if err != nil {
			return err
		}
		token, err = begin(ctx, tx, entry{user: user, device: t.Device, way: ByOther, started: t.Started})
		return err
	})
	return token, s.Next, err
}

// ask exchanges the code for what the other system says, and checks it.
func (o OIDC) ask(ctx context.Context, now func() time.Time, back string, s OtherSignIn, code string) (subject string, c claims, err error) {
	p, config, err := o.party(ctx, back)
	if err != nil {
		return "", c, err
	}
	granted, err := config.Exchange(ctx, code, oauth2.VerifierOption(s.Verifier))
	if err != nil {
		return "", c, errs.Of(errs.Invalid, errors.New(text.Masked(err.Error(), 300)), "users.wrong.oidc-refused")
	}
	raw, _ := granted.Extra("id_token").(string)
	checked, err := p.VerifierContext(ctx, &oidc.Config{ClientID: o.Client, Now: now}).Verify(ctx, raw)
	if err != nil || subtle.ConstantTimeCompare([]byte(checked.Nonce), []byte(s.Nonce)) != 1 {
		return "", c, errs.Of(errs.Invalid, err, "users.wrong.oidc-refused")
	}
	if err := checked.Claims(&c); err != nil {
		return "", c, errs.Of(errs.Invalid, err, "users.wrong.oidc-refused")
	}
	said := checked.Claims
	if c.Email == "" { // many say it only when asked
		info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(granted))
		if err != nil || info.Subject != checked.Subject {
			return "", c, errs.Of(errs.Invalid, err, "users.wrong.oidc-refused")
		}
		c.Email, c.Verified, said = info.Email, info.EmailVerified, info.Claims
		var named struct{ Name string }
		if err := said(&named); err == nil && c.Name == "" {
			c.Name = named.Name
		}
	}
	if o.Claim != "" {
		var all map[string]json.RawMessage
		if err := said(&all); err == nil {
			c.roles = words(all[o.Claim])
		}
	}
	return checked.Subject, c, nil
}

// words reads a claim that is one text or a list of them.
func words(raw json.RawMessage) []string {
	var many []string
	if json.Unmarshal(raw, &many) == nil {
		return many
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	return nil
}

// role is the highest that the claim gives; 0: none.
func (o OIDC) role(c claims) (role web.Role) {
	for _, value := range c.roles {
		role = max(role, o.Roles[value])
	}
	return role
}

// whose finds who of the staff it is: who came that way before, who was
// invited under the address, or, where that is allowed, somebody new.
func (o OIDC) whose(ctx context.Context, tx *store.Tx, subject string, c claims) (id.User, error) {
	var user id.User
	err := tx.QueryRow(ctx, `select user_id from user_identities where issuer = $1 and subject = $2`, o.Issuer, subject).Scan(&user)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		user, err = o.newcomer(ctx, tx, subject, c)
	case err != nil:
		err = fmt.Errorf("find who signs in: %w", err)
	}
	if err != nil {
		return 0, err
	}
	u, err := ByID(ctx, tx, user)
	if err != nil {
		return 0, err
	}
	if !u.DisabledAt.IsZero() {
		return 0, errs.Of(errs.Forbidden, nil, "users.wrong.oidc-uninvited")
	}
	if role := o.role(c); role != 0 && role != u.Role {
		// The other system says what they may do, except that the last owner stays one.
		if err := SetRole(ctx, tx, 0, user, role); err != nil && !errs.Is(err, errs.Invalid) {
			return 0, err
		}
	}
	return user, nil
}

// newcomer links who comes that way for the first time.
func (o OIDC) newcomer(ctx context.Context, tx *store.Tx, subject string, c claims) (id.User, error) {
	if c.Email == "" || !c.Verified {
		return 0, errs.Of(errs.Forbidden, nil, "users.wrong.oidc-email")
	}
	u, err := ByEmail(ctx, tx, c.Email)
	user := u.ID
	if errs.Is(err, errs.NotFound) {
		user, err = o.add(ctx, tx, c)
	}
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, `insert into user_identities (issuer, subject, user_id, created_at) values ($1, $2, $3, $4)`,
		o.Issuer, subject, int64(user), tx.Now.UnixMicro())
	if err != nil {
		return 0, fmt.Errorf("remember who signs in: %w", err)
	}
	return user, Audit(ctx, tx, Change{By: user, Action: "user.linked_other", Subject: user.String(), Values: Changed("issuer", "", o.Issuer)})
}

func (o OIDC) add(ctx context.Context, tx *store.Tx, c claims) (id.User, error) {
	_, domain, _ := strings.Cut(text.Fold(c.Email), "@")
	role := o.role(c)
	if role == 0 {
		role = o.Role
	}
	if role == 0 || !slices.Contains(o.Domains, domain) {
		return 0, errs.Of(errs.Forbidden, nil, "users.wrong.oidc-uninvited")
	}
	name := text.Short(text.Line(c.Name), maxName)
	if name == "" {
		name, _, _ = strings.Cut(c.Email, "@")
	}
	return Add(ctx, tx, New{Name: name, Email: c.Email, Role: role})
}
