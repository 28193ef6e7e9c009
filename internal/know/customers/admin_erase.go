package customers

import (
	"context"
	"net/http"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
)

// export answers with everything of one person as a file.
func (d desk) export(w http.ResponseWriter, r *web.Request) error {
	c, done, err := d.living(w, r)
	if done || err != nil {
		return err
	}
	x, err := Export(r.Context(), d.db, d.tables, c.ID, r.Now)
	if err != nil {
		return err
	}
	if err := users.AuditExport(r.Context(), d.db, noted(r, "customer.exported", c.ID)); err != nil {
		return err
	}
	w.Header().Set("Content-Disposition", `attachment; filename="`+c.ID.String()+`.json"`)
	return r.JSON(w, x)
}

// noted is the audit log's line of what is done to a customer.
func noted(r *web.Request, action string, c id.Customer) users.Change {
	return users.Change{By: r.Staff.ID, Action: action, Subject: c.String()}
}

// erasePage asks before a person is erased for good.
type erasePage struct {
	Customer Customer
	Called   string
	Form     *web.Form
}

func (d desk) askErase(w http.ResponseWriter, r *web.Request) error {
	c, done, err := d.living(w, r)
	if done || err != nil {
		return err
	}
	return d.renderErase(w, r, http.StatusOK, c, r.NewForm())
}

func (d desk) renderErase(w http.ResponseWriter, r *web.Request, status int, c Customer, f *web.Form) error {
	name, err := calling(r, d.db, c)
	if err != nil {
		return err
	}
	return r.RenderStatus(w, status, "customers/erase.html", erasePage{c, name, f})
}

// erase does it when the name was typed: a click alone must not.
func (d desk) erase(w http.ResponseWriter, r *web.Request) error {
	c, done, err := d.living(w, r)
	if done || err != nil {
		return err
	}
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	name, err := calling(r, d.db, c)
	if err != nil {
		return err
	}
	if folded(f.Need("confirm", 300)) != folded(name) {
		f.Wrong("confirm", r.T("customers.erase.mismatch", "Name", name))
		return d.renderErase(w, r, http.StatusUnprocessableEntity, c, f)
	}
	if err := d.write(r, c.ID, func(ctx context.Context, tx *store.Tx, c id.Customer) error {
		if err := EraseForGood(ctx, tx, d.tables, c, by(r)); err != nil {
			return err
		}
		return users.Audit(ctx, tx, noted(r, "customer.erased", c))
	}); err != nil {
		return err
	}
	r.Flash(w, "good", r.T("customers.done.erased"))
	return r.Redirect(w, "/customers")
}
