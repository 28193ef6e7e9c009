package orders

import (
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"regulars/internal/platform/export"
	"regulars/internal/platform/money"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

type ratesPage struct {
	Waiting    []Waiting
	Table      kit.Table
	Form       *web.Form
	Currencies []kit.Option
}

func (d desk) rates(w http.ResponseWriter, r *web.Request) error {
	f := r.NewForm()
	waiting, err := WaitingForRates(r.Context(), d.db)
	if err != nil {
		return err
	}
	if len(waiting) > 0 {
		f.Set("currency", string(waiting[0].Currency)).Set("day", waiting[0].First)
	}
	return d.ratesPage(w, r, f, http.StatusOK)
}

// shownRates is how many rates the page lists, the newest.
const shownRates = 100

func (d desk) ratesPage(w http.ResponseWriter, r *web.Request, f *web.Form, status int) error {
	p := ratesPage{Form: f, Currencies: []kit.Option{{Value: "", Text: r.T("orders.rates.choose")}}}
	for _, c := range money.Currencies() {
		if c != r.Shop.Currency {
			p.Currencies = append(p.Currencies, kit.Option{Value: string(c), Text: string(c)})
		}
	}
	var err error
	if p.Waiting, err = WaitingForRates(r.Context(), d.db); err != nil {
		return err
	}
	all, err := Rates(r.Context(), d.db, shownRates)
	if err != nil {
		return err
	}
	p.Table = kit.Table{ID: "rates", Caption: r.T("orders.rates.title"), Path: r.Href("/orders/rates"), Query: url.Values{}, First: true,
		Columns: []kit.Column{{Key: "day", Title: r.T("orders.rates.day")}, {Key: "currency", Title: r.T("orders.rates.currency")},
			{Key: "rate", Title: r.T("orders.rates.rate"), Number: true}, {Key: "source", Title: r.T("orders.rates.source")}},
		Empty: kit.Empty{Icon: "coin", Title: r.T("orders.rates.empty.title"), Text: r.T("orders.rates.empty.text", "Currency", string(r.Shop.Currency))}}
	if r.Can(web.Manager) {
		p.Table.Export = r.Href("/orders/rates/export")
	}
	for _, rate := range all {
		p.Table.Rows = append(p.Table.Rows, kit.Row{Cells: []any{r.Print.Day(rate.Day), string(rate.Currency),
			rateText(rate.Rate), rate.Source}})
	}
	return r.RenderStatus(w, status, "orders/rates.html", p)
}

// exportRates answers with every rate as a file.
func (d desk) exportRates(w http.ResponseWriter, r *web.Request) error {
	all, err := Rates(r.Context(), d.db, math.MaxInt32)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, rate := range all {
		rows = append(rows, []string{rate.Day, string(rate.Currency), rateText(rate.Rate), string(r.Shop.Currency), rate.Source})
	}
	columns := []export.Column{{Key: "day", Title: r.T("orders.rates.day"), Kind: export.Day}, {Key: "currency", Title: r.T("orders.rates.currency")},
		{Key: "rate", Title: r.T("orders.rates.rate"), Kind: export.Number}, {Key: "base_currency", Title: r.T("orders.csv.base-currency")},
		{Key: "source", Title: r.T("orders.rates.source")}}
	return r.Export(w, "rates", columns, web.Rows(rows))
}

// rateText writes a rate without a needless nought.
func rateText(rate money.Rate) string {
	return strconv.FormatFloat(float64(rate)/float64(money.RateOne), 'f', -1, 64)
}

// maxRates is how many lines may be pasted at once.
const maxRates = 5_000

func (d desk) setRates(w http.ResponseWriter, r *web.Request) error {
	f, err := r.ReadForm()
	if err != nil {
		return err
	}
	rates := readRates(r, f)
	if f.OK() && len(rates) == 0 {
		f.Wrong("rate", r.T("orders.rates.none"))
	}
	if f.OK() {
		err = f.Take(d.db.Tx(r.Context(), func(tx *store.Tx) error {
			if err := SetRates(r.Context(), tx, rates); err != nil {
				return err
			}
			return users.Audit(r.Context(), tx, users.Change{By: r.Staff.ID, Action: "rates.changed", Values: ratesForAudit(rates)})
		}))
	}
	if err != nil {
		return err
	}
	if !f.OK() {
		return d.ratesPage(w, r, f, http.StatusUnprocessableEntity)
	}
	r.Flash(w, "good", r.T("orders.rates.saved"))
	return r.Redirect(w, "/orders/rates")
}

// ratesForAudit is what was entered, by currency.
func ratesForAudit(rates []Rate) (all []users.Value) {
	by := map[string]string{}
	for _, rate := range rates {
		by[string(rate.Currency)] += rate.Day + " " + strconv.FormatFloat(float64(rate.Rate)/float64(money.RateOne), 'f', -1, 64) + ", "
	}
	for _, c := range slices.Sorted(maps.Keys(by)) {
		all = append(all, users.Value{Field: c, After: strings.TrimSuffix(by[c], ", ")})
	}
	return all
}

// readRates reads the one rate of the fields and those that were pasted, a
// line each: currency, day, rate.
func readRates(r *web.Request, f *web.Form) []Rate {
	var all []Rate
	if f.Value("rate") != "" {
		c, _ := money.ParseCurrency(f.Value("currency"))
		rate, err := money.ParseRate(strings.ReplaceAll(f.Value("rate"), ",", "."))
		if err != nil {
			f.Wrong("rate", r.T("orders.rates.wrong"))
		}
		all = append(all, Rate{Currency: c, Day: f.Day("day"), Rate: rate, Source: "staff"})
	}
	for i, line := range strings.Split(f.Area("many", 200_000), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if strings.ContainsAny(line, ";\t") { // then a comma is a decimal one
			line = strings.ReplaceAll(line, ",", ".")
		}
		parts := strings.FieldsFunc(line, func(c rune) bool { return strings.ContainsRune(";\t ,", c) })
		if len(parts) != 3 || i >= maxRates {
			f.Wrong("many", r.T("orders.rates.line", "Line", r.Print.Int(int64(i+1))))
			return nil
		}
		c, errC := money.ParseCurrency(parts[0])
		rate, errR := money.ParseRate(parts[2])
		if errC != nil || errR != nil || !isDay(parts[1]) {
			f.Wrong("many", r.T("orders.rates.line", "Line", r.Print.Int(int64(i+1))))
			return nil
		}
		all = append(all, Rate{Currency: c, Day: parts[1], Rate: rate, Source: "staff"})
	}
	return all
}
