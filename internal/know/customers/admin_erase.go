package customers

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
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
	if r.URL.Query().Get("format") == "json" {
		w.Header().Set("Content-Disposition", `attachment; filename="`+c.ID.String()+`.json"`)
		return r.JSON(w, x)
	}
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `attachment; filename="`+c.ID.String()+`.zip"`)
	return x.WriteZip(w, r.Shop.Name, c.Language, r.Shop.Language)
}

// receipt answers with the receipt of an erasure, as it was sealed.
func (d desk) receipt(w http.ResponseWriter, r *web.Request) error {
	c, err := web.PathID(r, "customer", id.ParseCustomer)
	if err != nil {
		return err
	}
	x, ok, err := ReceiptOf(r.Context(), d.db, c)
	if err != nil {
		return err
	}
	if !ok || x.Missing {
		return errs.Missing("customers.receipt.none")
	}
	w.Header().Set("Content-Disposition", `attachment; filename="erasure-`+c.String()+`.json"`)
	return r.JSON(w, map[string]any{"receipt": json.RawMessage(x.Text), "seal": x.Digest, "genuine": x.Genuine})
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

// erasedPage is what is left of a person who was erased, with the receipt.
type erasedPage struct {
	customerPage
	Receipt Receipt
	Table   kit.Table
}

func (d desk) renderErased(w http.ResponseWriter, r *web.Request, status int, of customerPage) error {
	p := erasedPage{customerPage: of}
	var err error
	if p.Receipt, _, err = ReceiptOf(r.Context(), d.db, of.Customer.ID); err != nil {
		return err
	}
	p.Table = kit.Table{ID: "receipt", Caption: r.T("customers.receipt.title"), First: true, Dense: true, Columns: []kit.Column{
		{Key: "table", Title: r.T("customers.receipt.table")}, {Key: "removed", Title: r.T("customers.receipt.removed"), Number: true},
		{Key: "emptied", Title: r.T("customers.receipt.emptied"), Number: true}, {Key: "kept", Title: r.T("customers.receipt.kept"), Number: true},
		{Key: "columns", Title: r.T("customers.receipt.columns")}}}
	for _, t := range p.Receipt.Tables {
		p.Table.Rows = append(p.Table.Rows, kit.Row{Cells: []any{t.Table, r.Print.Int(t.Removed), r.Print.Int(t.Emptied), r.Print.Int(t.Kept),
			strings.Join(t.Columns, ", ")}})
	}
	return r.RenderStatus(w, status, "customers/erased.html", p)
}
