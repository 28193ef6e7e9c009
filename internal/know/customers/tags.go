package customers

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// Tag marks a customer with a word of the business's own. A tag they have
// already changes nothing. It records customer.tagged.
func Tag(ctx context.Context, tx *store.Tx, c id.Customer, by By, tags ...string) error {
	if _, err := lockLiving(ctx, tx, c); err != nil {
		return err
	}
	var added []string
	for _, label := range tags {
		if err := tidyLabel("tag", &label); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `
			insert into customer_tags (customer_id, tag, label, author_id, created_at, import_id, origin_customer_id)
			values ($1, $2, $3, $4, $5, $6, null) on conflict (customer_id, tag) do nothing`,
			int64(c), text.Fold(label), label, int64(by.Actor), tx.Now.UnixMicro(), null(int64(by.Import)))
		if err != nil {
			return fmt.Errorf("tag %s: %w", c, err)
		}
		if n > 0 {
			added = append(added, label)
		}
	}
	return record(ctx, tx, c, by, kindTagged, added, func() any { return Tagged{Count: len(added)} })
}

// Untag takes a tag away. It records customer.untagged.
func Untag(ctx context.Context, tx *store.Tx, c id.Customer, by By, tag string) error {
	if _, err := lockLiving(ctx, tx, c); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `delete from customer_tags where customer_id = $1 and tag = $2`, int64(c), text.Fold(tag))
	if err != nil {
		return fmt.Errorf("untag %s: %w", c, err)
	}
	return record(ctx, tx, c, by, kindUntagged, make([]string, n), func() any { return Tagged{Count: int(n)} })
}

// Tags returns a customer's tags as they were written, in order.
func Tags(ctx context.Context, q store.Querier, c id.Customer) ([]string, error) {
	return store.All(ctx, q, store.Scalar[string], `select label from customer_tags where customer_id = $1 order by tag`, int64(c))
}

// TagsInUse returns the tags there are, in order, at most limit.
func TagsInUse(ctx context.Context, q store.Querier, limit int) ([]string, error) {
	return TagsAfter(ctx, q, "", limit)
}

// TagsAfter is TagsInUse from behind a tag on.
func TagsAfter(ctx context.Context, q store.Querier, after string, limit int) ([]string, error) {
	var all []string
	for len(all) < limit { // a step from tag to tag: their rows are many, they are few
		last := text.Fold(after)
		if len(all) > 0 {
			last = text.Fold(all[len(all)-1])
		}
		next, err := store.All(ctx, q, store.Scalar[string], `
			select label from customer_tags where tag > $1 order by tag, customer_id limit 1`, last)
		if err != nil {
			return nil, fmt.Errorf("list tags: %w", err)
		}
		if len(next) == 0 {
			break
		}
		all = append(all, next[0])
	}
	return all, nil
}

// Taste is something a person likes.
type Taste struct {
	Kind  string // one of TasteKinds
	Label string
}

// TasteKinds are the sorts of taste.
var TasteKinds = []string{"music", "sport", "hobby", "food", "cause"}

// Like notes what a customer likes. It records customer.changed.
func Like(ctx context.Context, tx *store.Tx, c id.Customer, by By, t Taste) error {
	if _, err := lockLiving(ctx, tx, c); err != nil {
		return err
	}
	if err := t.tidy(); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `
		insert into customer_tastes (customer_id, kind, taste, label, author_id, created_at, import_id, origin_customer_id)
		values ($1, $2, $3, $4, $5, $6, $7, null) on conflict (customer_id, kind, taste) do nothing`,
		int64(c), t.Kind, text.Fold(t.Label), t.Label, int64(by.Actor), tx.Now.UnixMicro(), null(int64(by.Import)))
	if err != nil || n == 0 {
		return err
	}
	return changed(ctx, tx, c, by, []string{"tastes"})
}

// Unlike takes a taste away. It records customer.changed.
func Unlike(ctx context.Context, tx *store.Tx, c id.Customer, by By, t Taste) error {
	if _, err := lockLiving(ctx, tx, c); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `delete from customer_tastes where customer_id = $1 and kind = $2 and taste = $3`, int64(c), t.Kind, text.Fold(t.Label))
	if err != nil || n == 0 {
		return err
	}
	return changed(ctx, tx, c, by, []string{"tastes"})
}

// Tastes returns what a customer likes.
func Tastes(ctx context.Context, q store.Querier, c id.Customer) ([]Taste, error) {
	return store.All(ctx, q, func(rows *sql.Rows) (t Taste, err error) {
		return t, rows.Scan(&t.Kind, &t.Label)
	}, `select kind, label from customer_tastes where customer_id = $1 order by kind, taste`, int64(c))
}

func (t *Taste) tidy() error {
	if !slices.Contains(TasteKinds, t.Kind) {
		return errs.Wrong("kind", "customers.wrong.taste-kind")
	}
	return tidyLabel("taste", &t.Label)
}

func tidyLabel(field string, label *string) error {
	if err := line(field, label, maxLabel); err != nil {
		return err
	}
	if text.Fold(*label) == "" {
		return errs.Wrong(field, "web.form.required")
	}
	return nil
}

// record writes one event for what was done, unless nothing was.
func record(ctx context.Context, tx *store.Tx, c id.Customer, by By, kind string, done []string, payload func() any) error {
	if len(done) == 0 {
		return nil
	}
	return timeline.Record(ctx, tx, by.event(c, kind, payload()))
}

func writeTags(ctx context.Context, tx *store.Tx, fresh []*maker) error {
	b := tx.Bulk(ctx, "customer_tags", "customer_id, tag, label, author_id, created_at, import_id, origin_customer_id", "on conflict (customer_id, tag) do nothing")
	for _, m := range fresh {
		for _, label := range m.Tags {
			if err := b.Add(int64(m.id), text.Fold(label), label, int64(m.Actor), tx.Now.UnixMicro(), null(int64(m.Import)), nil); err != nil {
				return err
			}
		}
	}
	return b.Close()
}

func writeTastes(ctx context.Context, tx *store.Tx, fresh []*maker) error {
	b := tx.Bulk(ctx, "customer_tastes", "customer_id, kind, taste, label, author_id, created_at, import_id, origin_customer_id", "on conflict (customer_id, kind, taste) do nothing")
	for _, m := range fresh {
		for _, t := range m.Tastes {
			if err := b.Add(int64(m.id), t.Kind, text.Fold(t.Label), t.Label, int64(m.Actor), tx.Now.UnixMicro(), null(int64(m.Import)), nil); err != nil {
				return err
			}
		}
	}
	return b.Close()
}
