package customers

import (
	"net/http"
	"strings"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// duplicatesPage lists pairs that look like one person.
type duplicatesPage struct {
	Pairs []pairLine
	Empty kit.Empty
}

type pairLine struct {
	A, B    foundLine
	Percent float64
	Reasons []string
	Compare string
	Dismiss string
}

const pairsShown = 100

func (d desk) duplicates(w http.ResponseWriter, r *web.Request) error {
	pairs, err := Duplicates(r.Context(), d.db, 2*pairsShown)
	if err != nil {
		return err
	}
	p := duplicatesPage{Empty: kit.Empty{Icon: "users", Title: r.T("customers.duplicates.empty.title"), Text: r.T("customers.duplicates.empty.text")}}
	who, err := d.livingByID(r, pairs)
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		a, ok := who[pair.A]
		b, both := who[pair.B]
		if !ok || !both || len(p.Pairs) == pairsShown { // merged or erased since they were found
			continue
		}
		l := pairLine{A: a, B: b, Percent: pair.Score, Dismiss: "/customers/duplicates/" + pair.A.String() + "/" + pair.B.String() + "/dismissal",
			Compare: customerPath(pair.A, "/merge?with="+pair.B.String())}
		for _, reason := range pair.Reasons {
			l.Reasons = append(l.Reasons, r.T("customers.reason."+reason))
		}
		p.Pairs = append(p.Pairs, l)
	}
	return r.Render(w, "customers/duplicates.html", p)
}

// livingByID reads the customers of pairs who still live.
func (d desk) livingByID(r *web.Request, pairs []Pair) (map[id.Customer]foundLine, error) {
	var ids []id.Customer
	for _, p := range pairs {
		ids = append(ids, p.A, p.B)
	}
	all, err := ByIDs(r.Context(), d.db, ids)
	if err != nil {
		return nil, err
	}
	var rows []Listed
	for _, c := range all {
		rows = append(rows, Listed{Customer: c})
	}
	names, err := naming(r.Context(), d.db, r.Print, customersOf(rows))
	if err != nil {
		return nil, err
	}
	who := map[id.Customer]foundLine{}
	for _, c := range all {
		if c.MergedInto == 0 && c.ErasedAt.IsZero() {
			who[c.ID] = foundLine{c, names[c.ID], strings.Join(nonEmpty(c.Email, c.Phone), " · "), r.Href(customerPath(c.ID, ""))}
		}
	}
	return who, nil
}

func (d desk) lookAgain(w http.ResponseWriter, r *web.Request) error {
	if err := d.db.Tx(r.Context(), func(tx *store.Tx) error {
		if err := LookForDuplicates(r.Context(), tx); err != nil {
			return err
		}
		return users.Audit(r.Context(), tx, users.Change{By: r.Staff.ID, Action: "duplicates.searched"})
	}); err != nil {
		return err
	}
	r.Flash(w, "good", r.T("customers.duplicates.looking"))
	return r.Redirect(w, "/customers/duplicates")
}

func (d desk) dismiss(w http.ResponseWriter, r *web.Request) error {
	one, err := web.PathID(r, "one", id.ParseCustomer)
	if err != nil {
		return err
	}
	other, err := web.PathID(r, "other", id.ParseCustomer)
	if err != nil {
		return err
	}
	if err := d.db.Tx(r.Context(), func(tx *store.Tx) error {
		if err := Dismiss(r.Context(), tx, one, other, by(r)); err != nil {
			return err
		}
		return users.Audit(r.Context(), tx, noted(r, "duplicate.dismissed", one))
	}); err != nil {
		return err
	}
	r.Flash(w, "good", r.T("customers.duplicates.dismissed"))
	return r.Redirect(w, "/customers/duplicates")
}
