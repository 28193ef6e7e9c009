package users

import (
	"context"
	"strconv"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
)

// API is what programs can do with staff and the audit log.
func API(db *store.DB) []rest.Operation {
	d := desk{db}
	staff := rest.Operations("staff", web.Owner, web.Owner)
	return []rest.Operation{
		rest.Op(rest.Operation{Pattern: "GET /me", Name: "getKey", Summary: "Look at the key itself", Role: web.Viewer,
			Text: "The first thing to try: it says whose key it is and what it may do."}, d.apiMe),
		rest.Op(staff("GET /staff", "listStaff", "List the members of staff"), d.apiStaff),
		rest.Op(staff("POST /staff", "inviteStaff", "Add a member of staff").And("POST /staff", web.Owner,
			"The answer holds a link by which they choose a password; it is not shown again. An owner is added by one who is signed in, never by a key.").Making(), d.apiInvite),
		rest.Op(staff("GET /staff/{user}", "getStaff", "Read a member of staff"), d.apiMember),
		rest.Op(staff("PATCH /staff/{user}", "changeStaff", "Change the role of a member of staff, or whether they are let in").And("", web.Owner,
			"A JSON merge patch: what is left out stays. Their name and address are their own. Owners are changed by one who is signed in."), d.apiChange),
		rest.Op(staff("PUT /staff/{user}/role", "changeRole", "Give a member of staff another role").And("POST /staff/{user}/role", web.Owner,
			"Nobody becomes or stays an owner by a key: owners are changed by one who is signed in."), d.apiRole),
		rest.Op(staff("POST /staff/{user}/link", "makePasswordLink", "Make a link to choose a password").And("POST /staff/{user}/link", web.Owner,
			"It replaces the one before. For an owner one who is signed in makes it."), d.apiLink),
		rest.Op(staff("POST /staff/{user}/leave", "disableStaff", "Let a member of staff in no more").And("POST /staff/{user}/leave", web.Owner,
			"They are signed out everywhere, and their keys open nothing. An owner is let go by one who is signed in."), d.apiLeave),
		rest.Op(staff("POST /staff/{user}/return", "enableStaff", "Let a member of staff in again").And("POST /staff/{user}/return", web.Owner,
			"An owner is let in again by one who is signed in."), d.apiReturn),
		rest.Op(rest.Operation{Pattern: "GET /audit", Name: "listAudit", Summary: "Read the audit log, the newest first", Scope: "audit:read", Role: web.Owner}, d.apiAudit),
	}
}

// desk is what the operations share.
type desk struct{ db *store.DB }

// apiKey is a key as its program sees it.
type apiKey struct {
	ID        id.Key       `json:"id"`
	Name      string       `json:"name"`
	Scopes    []rest.Scope `json:"scopes"`
	Staff     id.User      `json:"staff" doc:"Whose key it is"`
	Role      string       `json:"role" doc:"Theirs"`
	ExpiresAt *time.Time   `json:"expires_at,omitempty"`
}

func (d desk) apiMe(c *rest.Call, _ *struct{ rest.Fields[apiKey] }) (*rest.One[apiKey], error) {
	k, err := KeyOf(c.Context(), d.db, c.Staff, c.Key)
	if err != nil {
		return nil, err
	}
	a := apiKey{ID: k.ID, Name: k.Name, Scopes: k.Scopes, Staff: k.Staff.ID, Role: k.Staff.Role.String()}
	if !k.ExpiresAt.IsZero() {
		a.ExpiresAt = &k.ExpiresAt
	}
	return rest.Show(c, a, nil)
}

// apiUser is a member of staff.
type apiUser struct {
	ID         id.User    `json:"id"`
	Name       string     `json:"name"`
	Email      string     `json:"email"`
	Role       string     `json:"role" enum:"viewer,till,agent,manager,owner"`
	State      string     `json:"state" enum:"active,invited,disabled"`
	CreatedAt  time.Time  `json:"created_at"`
	SignedInAt *time.Time `json:"signed_in_at,omitempty" doc:"Left out: never"`
}

func (u User) api() apiUser {
	a := apiUser{ID: u.ID, Name: u.Name, Email: u.Email, Role: u.Role.String(), State: "active", CreatedAt: u.CreatedAt}
	switch {
	case !u.DisabledAt.IsZero():
		a.State = "disabled"
	case !u.HasPassword:
		a.State = "invited"
	}
	if !u.SignedInAt.IsZero() {
		a.SignedInAt = &u.SignedInAt
	}
	return a
}

func (d desk) apiStaff(c *rest.Call, in *rest.Short[apiUser]) (*rest.Listing[apiUser], error) {
	all, err := List(c.Context(), d.db)
	order := func(u User) string { // who left comes last
		return strconv.FormatBool(!u.DisabledAt.IsZero()) + strings.ToLower(u.Name) + " " + u.ID.String()
	}
	return rest.Cut(in.Page, all, order, User.api, err)
}

type apiUserOf struct {
	User rest.ID[id.User] `path:"user"`
}

func (d desk) apiMember(c *rest.Call, in *struct {
	User rest.ID[id.User] `path:"user"`
	rest.Fields[apiUser]
}) (*rest.One[apiUser], error) {
	u, err := ByID(c.Context(), d.db, in.User.Of)
	return rest.Show(c, u.api(), err)
}

// apiLinked is a member of staff with a link for them.
type apiLinked struct {
	Staff apiUser `json:"staff"`
	Path  string  `json:"path" doc:"Below the address of the store. Whoever opens it chooses the password, once"`
}

type apiInviteInput struct {
	Body struct {
		Name  string `json:"name" minLength:"1" maxLength:"80"`
		Email string `json:"email" minLength:"3" maxLength:"254"`
		Role  string `json:"role" enum:"viewer,till,agent,manager,owner"`
	}
}

func (d desk) apiInvite(c *rest.Call, in *apiInviteInput) (*rest.One[apiLinked], error) {
	role, err := web.ParseRole(in.Body.Role)
	if err != nil {
		return nil, err
	}
	if role == web.Owner {
		return nil, errOwnerByKey
	}
	return d.linked(c, func(ctx context.Context, tx *store.Tx) (id.User, error) {
		return Add(ctx, tx, New{By: c.Staff.ID, Name: in.Body.Name, Email: in.Body.Email, Role: role})
	})
}

func (d desk) apiLink(c *rest.Call, in *apiUserOf) (*rest.One[apiLinked], error) {
	return d.linked(c, func(ctx context.Context, tx *store.Tx) (id.User, error) {
		return in.User.Of, notAnOwner(ctx, tx, in.User.Of)
	})
}

// A key lies in the files of programs, so it is not trusted with whoever may
// do everything: it neither makes owners nor touches them.
var errOwnerByKey = errs.Of(errs.Forbidden, nil, "users.wrong.key-owner")

// notAnOwner locks a member of staff for the transaction and refuses owners.
func notAnOwner(ctx context.Context, tx *store.Tx, user id.User) error {
	if err := update(ctx, tx, user, `role = role`); err != nil {
		return err
	}
	u, err := ByID(ctx, tx, user)
	if err == nil && u.Role == web.Owner {
		err = errOwnerByKey
	}
	return err
}

// linked answers with a fresh link for a member of staff.
func (d desk) linked(c *rest.Call, who func(ctx context.Context, tx *store.Tx) (id.User, error)) (*rest.One[apiLinked], error) {
	var a apiLinked
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		user, err := who(ctx, tx)
		if err != nil {
			return err
		}
		token, err := Link(ctx, tx, c.Staff.ID, user)
		if err != nil {
			return err
		}
		u, err := ByID(ctx, tx, user)
		a = apiLinked{Staff: u.api(), Path: c.Href("/password/" + token)}
		return err
	})
	return rest.Show(c, a, err)
}

// apiDo changes a member of staff who is no owner and answers with how they
// are now.
func (d desk) apiDo(c *rest.Call, user id.User, change func(ctx context.Context, tx *store.Tx) error) (*rest.One[apiUser], error) {
	var u User
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		err := notAnOwner(ctx, tx, user)
		if err == nil {
			err = change(ctx, tx)
		}
		if err == nil {
			u, err = ByID(ctx, tx, user)
		}
		return err
	})
	return rest.Show(c, u.api(), err)
}

type apiRoleInput struct {
	User rest.ID[id.User] `path:"user"`
	rest.IfMatch
	Body struct {
		Role string `json:"role" enum:"viewer,till,agent,manager,owner"`
	}
}

func (d desk) apiRole(c *rest.Call, in *apiRoleInput) (*rest.One[apiUser], error) {
	role, err := web.ParseRole(in.Body.Role)
	if err != nil {
		return nil, err
	}
	if role == web.Owner {
		return nil, errOwnerByKey
	}
	return d.apiDo(c, in.User.Of, func(ctx context.Context, tx *store.Tx) error {
		u, err := ByID(ctx, tx, in.User.Of)
		if err == nil {
			err = in.Check(u.api())
		}
		if err != nil {
			return err
		}
		return SetRole(ctx, tx, c.Staff.ID, u.ID, role)
	})
}

type apiUserPatch struct {
	User rest.ID[id.User] `path:"user"`
	rest.IfMatch
	Body struct {
		Role  rest.Field[string] `json:"role,omitzero" enum:"viewer,till,agent,manager,owner"`
		State rest.Field[string] `json:"state,omitzero" enum:"active,disabled" doc:"disabled lets them in no more, active again"`
	} `contentType:"application/merge-patch+json"`
}

func (d desk) apiChange(c *rest.Call, in *apiUserPatch) (*rest.One[apiUser], error) {
	var role web.Role
	if r := in.Body.Role; r.Sent {
		var err error
		if role, err = web.ParseRole(r.Value); err != nil {
			return nil, errs.Wrong("role", "users.wrong.role")
		}
		if role == web.Owner {
			return nil, errOwnerByKey
		}
	}
	if s := in.Body.State; s.Sent && s.Value == "" {
		return nil, errs.Wrong("state", "users.wrong.state")
	}
	return d.apiDo(c, in.User.Of, func(ctx context.Context, tx *store.Tx) error {
		u, err := ByID(ctx, tx, in.User.Of)
		if err == nil {
			err = in.Check(u.api())
		}
		if err == nil && in.Body.Role.Sent && role != u.Role {
			err = SetRole(ctx, tx, c.Staff.ID, u.ID, role)
		}
		if err != nil {
			return err
		}
		switch out := !u.DisabledAt.IsZero(); {
		case !out && in.Body.State.Value == "disabled":
			return Disable(ctx, tx, c.Staff.ID, u.ID)
		case out && in.Body.State.Value == "active":
			return Enable(ctx, tx, c.Staff.ID, u.ID)
		}
		return nil
	})
}

func (d desk) apiLeave(c *rest.Call, in *apiUserOf) (*rest.One[apiUser], error) {
	return d.apiDo(c, in.User.Of, func(ctx context.Context, tx *store.Tx) error { return Disable(ctx, tx, c.Staff.ID, in.User.Of) })
}

func (d desk) apiReturn(c *rest.Call, in *apiUserOf) (*rest.One[apiUser], error) {
	return d.apiDo(c, in.User.Of, func(ctx context.Context, tx *store.Tx) error { return Enable(ctx, tx, c.Staff.ID, in.User.Of) })
}

// apiAuditLine is a line of the audit log.
type apiAuditLine struct {
	ID      string     `json:"id"`
	At      time.Time  `json:"at"`
	By      string     `json:"by" doc:"The member of staff; empty: the program or the command line"`
	Name    string     `json:"name" doc:"Theirs"`
	Action  string     `json:"action" example:"user.added"`
	Subject string     `json:"subject" doc:"What it was done to; empty: the business as a whole"`
	Fields  []string   `json:"fields" doc:"Names of what changed"`
	Values  []apiValue `json:"values" doc:"What stood in them; of customers who were erased nothing"`
}

// apiValue is a field that changed.
type apiValue struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

type apiAuditInput struct {
	rest.Page
	rest.Fields[apiAuditLine]
	By      string `query:"by" maxLength:"17" doc:"Only what this member of staff did"`
	Action  string `query:"action" maxLength:"60" example:"user.added"`
	Subject string `query:"subject" maxLength:"60" doc:"Only what was done to this"`
	From    string `query:"from" maxLength:"10" format:"date"`
	To      string `query:"to" maxLength:"10" format:"date" doc:"Included"`
	Text    string `query:"q" maxLength:"100" doc:"In the subject, or in what stood in the fields"`
}

func (d desk) apiAudit(c *rest.Call, in *apiAuditInput) (*rest.Listing[apiAuditLine], error) {
	f := Lines{Action: in.Action, Subject: strings.TrimSpace(in.Subject), Text: in.Text, Limit: in.Limit + 1}
	if err := rest.ReadCursor(in.After, &f.Before); err != nil {
		return nil, err
	}
	if in.By != "" {
		var err error
		if f.By, err = id.ParseUser(in.By); err != nil {
			return nil, rest.BadParameter("by", errs.Wrong("", "users.wrong.no-id"))
		}
	}
	f.between(in.From, in.To, c.Zone())
	all, err := AuditLog(c.Context(), d.db, f)
	all, next := rest.Next(in.Page, all, func(l Line) any { return l.ID })
	return rest.Pageful(all, next, func(l Line) apiAuditLine {
		a := apiAuditLine{ID: id.Show("aud", l.ID), At: l.At, Name: l.Name, Action: l.Action, Subject: l.Subject, Fields: append([]string{}, l.Fields...), Values: []apiValue{}}
		for _, v := range l.Values {
			a.Values = append(a.Values, apiValue(v))
		}
		if l.By != 0 {
			a.By = l.By.String()
		}
		return a
	}), err
}
