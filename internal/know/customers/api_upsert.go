package customers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
)

type apiUpsertInput struct {
	External string `path:"external" minLength:"3" maxLength:"254" doc:"Your system and your id: shop:1234" example:"shop:1234"`
	rest.IfMatch
	Body APIProfile
}

func (d desk) apiUpsert(c *rest.Call, in *apiUpsertInput) (*rest.One[apiCustomer], error) {
	in.Body.Identities = slices.Insert(in.Body.Identities, 0, apiIdentity{External, in.External})
	p, err := d.profile(c, in.Body)
	if err != nil {
		return nil, err
	}
	var now apiCustomer
	err = c.Write(d.db, func(ctx context.Context, tx *store.Tx) error {
		if in.Match != "" {
			if err := d.matches(ctx, tx, in.IfMatch, in.External); err != nil {
				return err
			}
		}
		who, err := holder(ctx, tx, p)
		if err != nil {
			return atProfile(err)
		}
		var before []field
		if who != 0 {
			if before, err = picture(ctx, tx, who); err != nil {
				return err
			}
		}
		who, made, err := Upsert(ctx, tx, p)
		if err != nil {
			return atProfile(err)
		}
		c.About = who
		if made || before != nil {
			if err := auditAPI(ctx, tx, c.Staff.ID, who, before); err != nil {
				return err
			}
		}
		now, err = readAPI(ctx, tx, who)
		return err
	})
	return rest.Show(c, now, err)
}

// matches checks the tag of the customer with an external id.
func (d desk) matches(ctx context.Context, tx *store.Tx, match rest.IfMatch, external string) error {
	i, err := Normalise(Identity{External, external}, "")
	if err != nil {
		return errs.In("identities", err)
	}
	c, ok, err := Find(ctx, tx, i)
	if err != nil {
		return err
	}
	if !ok {
		return match.Check(nil)
	}
	if err := Lock(ctx, tx, c); err != nil {
		return err
	}
	now, err := readAPI(ctx, tx, c)
	if err != nil {
		return err
	}
	return match.Check(now)
}

type apiCustomersInput struct {
	Body struct {
		Customers []apiBulkItem `json:"customers" minItems:"1" maxItems:"200"`
	}
}

type apiBulkItem struct {
	External string `json:"external,omitempty" maxLength:"254" doc:"Your id: shop:1234. Left out: the first of the identities leads to the customer"`
	APIProfile
}

type apiCustomersAnswer struct {
	Body struct {
		Results []apiBulkResult `json:"results" doc:"One for each customer, in their order"`
	}
}

type apiBulkResult struct {
	ID     string      `json:"id,omitempty" doc:"The customer"`
	Result string      `json:"result" enum:"made,completed,refused"`
	Fault  *rest.Fault `json:"fault,omitempty" doc:"Why it was refused"`
}

// apiBulk tries all in one transaction. When one is refused each gets its
// own, so that it holds up nobody else.
func (d desk) apiBulk(c *rest.Call, in *apiCustomersInput) (*apiCustomersAnswer, error) {
	out := &apiCustomersAnswer{}
	all := make([]Profile, len(in.Body.Customers))
	wrong := make([]error, len(all))
	for i, item := range in.Body.Customers {
		if item.External != "" {
			item.Identities = slices.Insert(item.Identities, 0, apiIdentity{External, item.External})
		}
		all[i], wrong[i] = d.profile(c, item.APIProfile)
		if len(item.Identities) == 0 {
			wrong[i] = errs.Wrong("external", "customers.wrong.api-nameless")
		}
	}
	upsert := func(ctx context.Context, tx *store.Tx, i int) (r apiBulkResult, err error) {
		who, made, err := Upsert(ctx, tx, all[i])
		r = apiBulkResult{ID: who.String(), Result: map[bool]string{true: "made", false: "completed"}[made]}
		return r, atProfile(err)
	}
	err := c.Write(d.db, func(ctx context.Context, tx *store.Tx) (err error) {
		out.Body.Results = make([]apiBulkResult, len(all))
		for i := range all {
			if wrong[i] != nil {
				return wrong[i]
			}
			if out.Body.Results[i], err = upsert(ctx, tx, i); err != nil {
				return err
			}
		}
		return auditBulk(ctx, tx, c.Staff.ID, len(all))
	})
	if err == nil || errs.KindOf(err) == errs.Internal {
		return out, err
	}
	for i := range all {
		err := wrong[i]
		if err == nil {
			err = c.Write(d.db, func(ctx context.Context, tx *store.Tx) (err error) {
				if out.Body.Results[i], err = upsert(ctx, tx, i); err != nil {
					return err
				}
				return auditBulk(ctx, tx, c.Staff.ID, 1)
			})
		}
		if errs.KindOf(err) == errs.Internal && err != nil {
			return nil, err
		}
		if err != nil {
			out.Body.Results[i] = refusedItem(c, i, err)
		}
	}
	return out, nil
}

// auditBulk writes one line for many: what each was sent as stands in their
// timelines.
func auditBulk(ctx context.Context, tx *store.Tx, by id.User, n int) error {
	return users.Audit(ctx, tx, users.Change{By: by, Action: "customers.sent", Values: []users.Value{{Field: "customers", After: strconv.Itoa(n)}}})
}

func refusedItem(c *rest.Call, i int, err error) apiBulkResult {
	var p *rest.Problem
	r := apiBulkResult{Result: "refused"}
	if errors.As(c.Problem(rest.Under(fmt.Sprintf("customers/%d", i), err)), &p) {
		r.Fault = &rest.Fault{Detail: p.Detail}
		if len(p.Errors) > 0 {
			r.Fault = &p.Errors[0]
		}
	}
	return r
}
