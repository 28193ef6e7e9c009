package collect

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// sent is an event that a program tells, and what became of it.
type sent struct {
	action
	told  string // the program's own id of it; empty: none
	known bool   // written before
	err   error  // what is wrong with it: it is not written
}

func (s sent) result() string {
	if s.known {
		return "known"
	}
	return "recorded"
}

// read turns what a program tells into an action.
func (a APIAction) read(now time.Time, who id.Customer, by id.User) sent {
	s := sent{told: text.Line(a.ID), action: action{customer: who, at: now, kind: "track", name: text.Short(text.Line(a.Name), maxName), actor: by, history: a.History}}
	if a.At != nil {
		s.at = a.At.UTC().Truncate(time.Microsecond)
	}
	var whole bool
	s.props, whole = flatten(object(a.Properties), nil)
	switch {
	case s.name == "":
		s.err = errs.Wrong("name", "collect.wrong.api-name")
	case trades[folded(s.name)] != "":
		s.err = errs.Wrong("name", "collect.wrong.api-order")
	case s.at.After(now.Add(time.Hour)) || s.at.Year() < 1970:
		s.err = errs.Wrong("at", "collect.wrong.api-at")
	case !whole:
		s.err = errs.Wrong("properties", "collect.wrong.api-properties", "Max", maxProperties)
	}
	if s.at.After(now) { // their clock goes a little fast
		s.at = now
	}
	return s
}

// record writes the events of programs that are not there yet. What is wrong
// with one, such as a customer who was erased, is noted with it.
func record(ctx context.Context, tx *store.Tx, all []sent) error {
	if err := refuseErased(ctx, tx, all); err != nil {
		return err
	}
	before, err := claimIDs(ctx, tx, all)
	if err != nil {
		return err
	}
	first := map[string]*sent{} // an id may stand twice in one request
	var news []*action
	for i := range all {
		s := &all[i]
		b, told := before[s.told]
		switch {
		case s.err != nil:
		case told && b.event != 0:
			s.known, s.event, s.customer = true, b.event, b.customer
		case told && first[s.told] != nil:
			s.known = true
		default:
			first[s.told] = s
			news = append(news, &s.action)
		}
	}
	if err := write(ctx, tx, news); err != nil {
		return err
	}
	for i := range all {
		if s := &all[i]; s.known && s.event == 0 {
			s.event, s.customer = first[s.told].event, first[s.told].customer
		}
	}
	return settleIDs(ctx, tx, all)
}

// refuseErased holds the customers until all is written, turns to the survivor
// where one was merged meanwhile, and refuses what is told of those who were
// erased.
func refuseErased(ctx context.Context, tx *store.Tx, all []sent) error {
	var who []id.Customer
	for _, s := range all {
		if s.err == nil {
			who = append(who, s.customer)
		}
	}
	if err := customers.Lock(ctx, tx, who...); err != nil {
		return err
	}
	type fate struct {
		lives id.Customer
		err   error
	}
	fates := map[id.Customer]fate{}
	for _, c := range who {
		if _, seen := fates[c]; seen {
			continue
		}
		found, err := customers.ByID(ctx, tx, c)
		if err == nil && found.MergedInto != 0 {
			var to id.Customer
			if to, err = customers.Resolve(ctx, tx, c); err != nil {
				return err
			}
			if err = customers.Lock(ctx, tx, to); err != nil {
				return err
			}
			found, err = customers.ByID(ctx, tx, to)
		}
		if err != nil {
			return err
		}
		f := fate{lives: found.ID}
		switch {
		case found.MergedInto != 0:
			f.err = errs.Clash("", "customers.wrong.merged-meanwhile")
		case !found.ErasedAt.IsZero():
			f.err = errs.Clash("", "customers.wrong.erased")
		}
		fates[c] = f
	}
	for i := range all {
		if s := &all[i]; s.err == nil {
			f := fates[s.customer]
			s.customer, s.err = f.lives, f.err
		}
	}
	return nil
}

// recorded is an event that was written, by the id a program gave it.
type recorded struct {
	customer id.Customer
	event    id.Event // 0: it is being written, by us
}

// claimIDs claims the ids that programs gave, and returns what was written
// under them.
func claimIDs(ctx context.Context, tx *store.Tx, all []sent) (map[string]recorded, error) {
	claim := tx.Bulk(ctx, "collect_event_ids", "told_id, customer_id, event_id, occurred_at, origin_customer_id", "on conflict (told_id) do nothing")
	var ids []string
	for _, s := range all {
		if s.err == nil && s.told != "" {
			ids = append(ids, s.told)
			if err := claim.Add(s.told, int64(s.customer), 0, s.at.UnixMicro(), nil); err != nil {
				return nil, err
			}
		}
	}
	if err := claim.Close(); err != nil {
		return nil, fmt.Errorf("claim the ids of %d events: %w", len(ids), err)
	}
	before := map[string]recorded{}
	if len(ids) == 0 {
		return before, nil
	}
	_, err := store.All(ctx, tx, func(rows *sql.Rows) (r recorded, err error) {
		var told string
		err = rows.Scan(&told, &r.customer, &r.event)
		before[told] = r
		return r, err
	}, `select told_id, customer_id, event_id from collect_event_ids where told_id in (`+store.List(1, len(ids))+`)`, store.Args(ids)...)
	return before, err
}

// settleIDs notes which events were written under the claimed ids.
func settleIDs(ctx context.Context, tx *store.Tx, all []sent) error {
	settle := tx.Bulk(ctx, "collect_event_ids", "told_id, customer_id, event_id, occurred_at, origin_customer_id",
		"on conflict (told_id) do update set event_id = excluded.event_id, occurred_at = excluded.occurred_at")
	for _, s := range all {
		if s.err == nil && s.told != "" && !s.known {
			if err := settle.Add(s.told, int64(s.customer), int64(s.event), s.at.UnixMicro(), nil); err != nil {
				return err
			}
		}
	}
	if err := settle.Close(); err != nil {
		return fmt.Errorf("note the ids of events: %w", err)
	}
	return nil
}
