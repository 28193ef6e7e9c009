package customers

import (
	"context"
	"fmt"
	"strings"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
)

// Audit writes a line of the audit log about a customer. The values stand in a
// table that erasure empties.
func Audit(ctx context.Context, tx *store.Tx, customer id.Customer, c users.Change) error {
	c.Subject = customer.String()
	return users.AuditApart(ctx, tx, c, func(line int64, body, words string) error {
		_, err := tx.Exec(ctx, `insert into customer_changes (customer_id, audit_id, body, words) values ($1, $2, $3, $4)`,
			int64(customer), line, body, words)
		return err
	})
}

// audited runs a change of a customer and writes into the audit log what is
// different afterwards, if anything is.
func audited(by id.User, action string, do change) change {
	return func(ctx context.Context, tx *store.Tx, c id.Customer) error {
		before, err := picture(ctx, tx, c)
		if err != nil {
			return err
		}
		if err := do(ctx, tx, c); err != nil {
			return err
		}
		after, err := picture(ctx, tx, c)
		if err != nil {
			return err
		}
		values := differences(before, after)
		if len(values) == 0 {
			return nil
		}
		return Audit(ctx, tx, c, users.Change{By: by, Action: action, Values: values})
	}
}

// field is one of a customer's fields as the audit log shows it.
type field struct{ name, value string }

func differences(before, after []field) (values []users.Value) {
	for i, f := range after {
		was := ""
		if before != nil {
			was = before[i].value
		}
		values = append(values, users.Changed(f.name, was, f.value)...)
	}
	return values
}

// picture is what staff can change of a customer. Of notes and calls it has
// the number alone: a text that is taken back is to be gone.
func picture(ctx context.Context, q store.Querier, of id.Customer) ([]field, error) {
	c, err := ByID(ctx, q, of)
	if err != nil {
		return nil, err
	}
	fields := []field{{"name", c.Name}, {"given", c.Given}, {"family", c.Family}, {"language", c.Language}, {"country", c.Country}}
	known, err := Identities(ctx, q, c)
	if err != nil {
		return nil, err
	}
	fields = append(fields, field{"identities", lines(known, func(k Known) string {
		if k.Dead {
			k.Shown += " (undeliverable)"
		}
		if k.Main {
			return k.Kind + " " + k.Shown + " *"
		}
		return k.Kind + " " + k.Shown
	})})
	tags, err := Tags(ctx, q, of)
	if err != nil {
		return nil, err
	}
	tastes, err := Tastes(ctx, q, of)
	if err != nil {
		return nil, err
	}
	dates, err := Dates(ctx, q, of)
	if err != nil {
		return nil, err
	}
	addresses, err := Addresses(ctx, q, of)
	if err != nil {
		return nil, err
	}
	consents, err := consentsOf(ctx, q, of)
	if err != nil {
		return nil, err
	}
	var notes, calls int64
	err = q.QueryRow(ctx, `
		select (select count(*) from customer_notes where customer_id = $1 and body <> ''), (select count(*) from customer_calls where customer_id = $1)`,
		int64(of)).Scan(&notes, &calls)
	if err != nil {
		return nil, fmt.Errorf("count notes: %w", err)
	}
	return append(fields,
		field{"tags", strings.Join(tags, ", ")},
		field{"tastes", lines(tastes, func(t Taste) string { return t.Kind + " " + t.Label })},
		field{"dates", lines(dates, func(d Date) string { return strings.TrimSpace(d.Kind+" "+d.Label) + " " + d.shown() })},
		field{"addresses", lines(addresses, Address.line)},
		field{"consents", consents},
		field{"notes", fmt.Sprint(notes)}, field{"calls", fmt.Sprint(calls)}), nil
}

func lines[T any](all []T, line func(T) string) string {
	texts := make([]string, len(all))
	for i, v := range all {
		texts[i] = line(v)
	}
	return strings.Join(texts, ", ")
}

func (d Date) shown() string {
	if d.Year == 0 {
		return d.MonthDay
	}
	return d.Day()
}

// line is an address in one line.
func (a Address) line() string {
	var parts []string
	for _, p := range []string{a.Recipient, strings.ReplaceAll(a.Street, "\n", ", "), strings.TrimSpace(a.Postcode + " " + a.City), a.Region, a.Country} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ", ")
}

// consentsOf is a customer's last word for each channel.
func consentsOf(ctx context.Context, q store.Querier, of id.Customer) (string, error) {
	proofs, err := Proofs(ctx, q, of)
	if err != nil {
		return "", err
	}
	said := map[string]bool{}
	var all []string
	for _, p := range proofs { // the newest first
		if !said[p.Channel] {
			said[p.Channel] = true
			answer := "no"
			if p.Given {
				answer = "yes"
			}
			all = append(all, p.Channel+" "+answer)
		}
	}
	return strings.Join(all, ", "), nil
}
