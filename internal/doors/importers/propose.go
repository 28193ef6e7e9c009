package importers

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"regulars/internal/platform/locale"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/store"
	"regulars/internal/platform/workspace"
)

// sampled is how many rows a proposal looks at.
const sampled = 2000

// Propose says how a file would be read: by a layout that knows it, by what
// somebody chose for a file with the same header, or by a guess. The reader
// is used up.
func Propose(ctx context.Context, q store.Querier, in *sheet.Reader) (Settings, error) {
	header := in.Header()
	profile, err := sheet.Sample(in, sampled)
	if err != nil {
		return Settings{}, err
	}
	s, found, err := known(ctx, q, header, profile)
	if found || err != nil {
		return s, err
	}
	return Guess(profile), nil
}

// known returns the settings of a header that a layout knows, or for which
// somebody has chosen them before.
func known(ctx context.Context, q store.Querier, header []string, profile sheet.Profile) (s Settings, found bool, err error) {
	if l, ok := Recognise(header); ok {
		return l.learned(header, profile), true, nil
	}
	var remembered string
	err = q.QueryRow(ctx, `select settings from import_mappings where header_hash = $1`, headerHash(header)).Scan(&remembered)
	if errors.Is(err, sql.ErrNoRows) {
		return s, false, nil
	}
	if err != nil {
		return s, false, fmt.Errorf("look for a mapping: %w", err)
	}
	return s, true, json.Unmarshal([]byte(remembered), &s)
}

// Remember keeps what was chosen, for the next file with the same header.
func Remember(ctx context.Context, tx *store.Tx, header []string, s Settings) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		insert into import_mappings (header_hash, settings, saved_at) values ($1, $2, $3)
		on conflict (header_hash) do update set settings = excluded.settings, saved_at = excluded.saved_at`,
		headerHash(header), string(body), tx.Now.UnixMicro())
	if err != nil {
		return fmt.Errorf("remember a mapping: %w", err)
	}
	return nil
}

// explained is how many records Explain writes out.
const explained = 5

// Explain writes what a file is and what its first rows mean, and changes
// nothing.
func Explain(ctx context.Context, db *store.DB, s Settings, open opener, p *locale.Printer, out io.Writer) error {
	shop, err := workspace.Load(ctx, db)
	if err != nil {
		return err
	}
	in, err := open(ctx)
	if err != nil {
		return err
	}
	defer in.Close()
	read, err := newReader(s, in.Header(), shop.Currency, shop.Location(), db.Now())
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Layout %s, amounts in %s, times of %s.\n", read.layout.Name, read.base, read.zone)
	for _, f := range Fields {
		if i, ok := read.at[f]; ok {
			fmt.Fprintf(out, "  %-10s from the column %q\n", f, in.Header()[i])
		}
	}
	c := newCutter(in, read, nil, 0)
	for range explained {
		sl := &slice{products: map[string]Item{}}
		rec, err := c.record(sl)
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case rec == nil:
			for _, e := range sl.errors {
				fmt.Fprintf(out, "Line %d is left out: %s\n", e.line, p.Sentence(e.why()))
			}
		default:
			fmt.Fprintln(out, rec.String())
		}
	}
	return nil
}

// String is the record in words, for whoever checks a mapping.
func (rec Record) String() string {
	p := rec.Person
	var who []string
	for _, s := range []string{p.External, p.Email, p.Phone, p.Card, p.Name, p.Given, p.Family, p.Country} {
		if s != "" {
			who = append(who, s)
		}
	}
	if who == nil {
		who = []string{"nobody known"}
	}
	what := "sold"
	if rec.Return {
		what = "taken back"
	}
	var items []string
	for _, i := range rec.items() {
		items = append(items, fmt.Sprintf("%g × %s", float64(i.Quantity)/1000, i.sku()))
	}
	switch {
	case rec.Contract != nil:
		return fmt.Sprintf("Line %d: %s subscribes to %s", rec.Line, strings.Join(who, ", "), rec.Contract)
	case rec.Part:
		return fmt.Sprintf("Line %d: of %s also %s", rec.Line, rec.Number, strings.Join(items, ", "))
	case rec.At.IsZero():
		return fmt.Sprintf("Line %d: the customer %s", rec.Line, strings.Join(who, ", "))
	}
	return fmt.Sprintf("Line %d: %s %s on %s to %s: %s", rec.Line, rec.Number, what, rec.At.Format("2006-01-02 15:04 MST"),
		strings.Join(who, ", "), strings.Join(items, ", "))
}
