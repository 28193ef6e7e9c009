package orders

import (
	"net/http"
	"slices"
	"strings"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type categoriesPage struct {
	Rows    []categoryRow
	Parents []kit.Option
	Form    *web.Form
	Open    string
	Empty   kit.Empty
}

type categoryRow struct {
	Category
	Path     string
	Products int
	Form     *web.Form
	Parents  []kit.Option
}

func (d desk) categories(w http.ResponseWriter, r *web.Request) error {
	return d.categoriesPage(w, r, r.NewForm(), 0, http.StatusOK)
}

// categoriesPage shows all categories, with the form that failed: of a new one
// or of the one that is open.
func (d desk) categoriesPage(w http.ResponseWriter, r *web.Request, f *web.Form, open id.Category, status int) error {
	all, err := Categories(r.Context(), d.db)
	if err != nil {
		return err
	}
	top := []kit.Option{{Value: "", Text: r.T("orders.categories.top")}}
	page := categoriesPage{Form: f, Parents: append(top, categoryOptions(all)...),
		Empty: kit.Empty{Icon: "list-check", Title: r.T("orders.categories.empty.title"), Text: r.T("orders.categories.empty.text")}}
	if open != 0 {
		page.Open = open.String()
	}
	paths := categoryPaths(all)
	for _, c := range all {
		n, err := CountProducts(r.Context(), d.db, ProductFilter{Category: c.ID})
		if err != nil {
			return err
		}
		row := categoryRow{Category: c, Path: paths[c.ID], Products: n, Form: f, Parents: page.Parents}
		if c.ID != open {
			parent := ""
			if c.Parent != 0 {
				parent = c.Parent.String()
			}
			row.Form = r.NewForm().Set("name-"+c.ID.String(), c.Name).Set("parent-"+c.ID.String(), parent)
		}
		page.Rows = append(page.Rows, row)
	}
	slices.SortFunc(page.Rows, func(a, b categoryRow) int { return strings.Compare(a.Path, b.Path) })
	return r.RenderStatus(w, status, "orders/categories.html", page)
}

func (d desk) addCategory(w http.ResponseWriter, r *web.Request) error {
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	name, parent := f.Need("name", 200), readCategory(r, f, "parent")
	return d.changeCategories(w, r, f, 0, func(tx *store.Tx) error {
		c, err := AddCategory(r.Context(), tx, name, parent)
		if err != nil {
			return err
		}
		return users.Audit(r.Context(), tx, users.Change{By: r.Staff.ID, Action: "category.added", Subject: c.String(), Values: users.Changed("name", "", name)})
	})
}

func (d desk) saveCategory(w http.ResponseWriter, r *web.Request) error {
	c, err := web.PathID(r, "category", id.ParseCategory)
	if err != nil {
		return err
	}
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	changed := Category{ID: c, Name: f.Need("name-"+c.String(), 200), Parent: readCategory(r, f, "parent-"+c.String())}
	return d.changeCategories(w, r, f, c, func(tx *store.Tx) error {
		was, err := CategoryByID(r.Context(), tx, c)
		if err != nil {
			return err
		}
		err = SaveCategory(r.Context(), tx, changed)
		if field := errs.FieldOf(err); field != "" {
			return renamed(err, field, field+"-"+c.String())
		}
		if err != nil {
			return err
		}
		return users.Audit(r.Context(), tx, users.Change{By: r.Staff.ID, Action: "category.changed", Subject: c.String(),
			Values: users.Changed("name", was.Name, changed.Name, "parent", shownCategory(was.Parent), shownCategory(changed.Parent))})
	})
}

func (d desk) removeCategory(w http.ResponseWriter, r *web.Request) error {
	c, err := web.PathID(r, "category", id.ParseCategory)
	if err != nil {
		return err
	}
	return d.changeCategories(w, r, r.NewForm(), 0, func(tx *store.Tx) error {
		was, err := CategoryByID(r.Context(), tx, c)
		if err != nil {
			return err
		}
		if err := RemoveCategory(r.Context(), tx, c); err != nil {
			return err
		}
		return users.Audit(r.Context(), tx, users.Change{By: r.Staff.ID, Action: "category.removed", Subject: c.String(), Values: users.Changed("name", was.Name, "")})
	})
}

// shownCategory is a category for the audit log; none is nothing.
func shownCategory(c id.Category) string {
	if c == 0 {
		return ""
	}
	return c.String()
}

// changeCategories runs a change unless the form is wrong, and answers.
func (d desk) changeCategories(w http.ResponseWriter, r *web.Request, f *web.Form, open id.Category, change func(tx *store.Tx) error) error {
	if f.OK() {
		if err := f.Take(d.db.Tx(r.Context(), change)); err != nil {
			return err
		}
	}
	if !f.OK() {
		return d.categoriesPage(w, r, f, open, http.StatusUnprocessableEntity)
	}
	r.Flash(w, "good", r.T("orders.done.saved"))
	return r.Redirect(w, "/products/categories")
}
