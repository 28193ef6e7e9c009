package insights

import (
	"iter"
	"net/http"
	"slices"
	"strings"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/export"
	"regulars/internal/platform/web"
)

// sheet is a table as a file.
type sheet struct {
	heading []string
	rows    [][]string
}

// file answers with a table.
func (d desk) file(name string, make func(r *web.Request, res *Result) sheet) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		f := readFilter(r.URL.Query())
		res, ok, err := d.find(r, f)
		if err == nil && !ok {
			res, ok, err = d.await(r, f, patience.file)
		}
		if err != nil {
			return err
		}
		if !ok {
			return errs.Of(errs.Unavailable, nil, "insights.export.wait")
		}
		s := make(r, &res)
		return d.send(w, r, name, s.heading, web.Rows(s.rows))
	}
}

// wordColumns and dayColumns are the columns of files that are no numbers, and amountColumns
// those that are in the shop's currency.
var (
	wordColumns   = []string{"period", "group", "figure", "by", "cohort", "customer", "name", "late", "running", "history_too_short"}
	dayColumns    = []string{"from", "to", "last_day", "due_day", "last_day_known", "before_from", "before_to", "after_from", "after_to"}
	amountColumns = []string{"revenue", "net", "other", "returned", "walk_in_sales", "spent", "expected_value", "total", "customers_had"}
)

// send answers with rows, each column as what it is, and with the currency
// beside where there are amounts.
func (d desk) send(w http.ResponseWriter, r *web.Request, name string, heading []string, rows iter.Seq2[[]string, error]) error {
	columns := export.Columns(export.Number, heading...)
	inMoney := false
	for i, key := range heading {
		switch {
		case slices.Contains(wordColumns, key):
			columns[i].Kind = export.Text
		case slices.Contains(dayColumns, key):
			columns[i].Kind = export.Day
		}
		inMoney = inMoney || slices.ContainsFunc(amountColumns, func(a string) bool { return key == a || strings.HasSuffix(key, "_"+a) })
	}
	if !inMoney {
		return r.Export(w, "insights-"+name, columns, rows)
	}
	return r.Export(w, "insights-"+name, append(columns, export.Column{Key: "currency"}), func(yield func([]string, error) bool) {
		for row, err := range rows {
			if !yield(append(row, string(r.Shop.Currency)), err) {
				return
			}
		}
	})
}
