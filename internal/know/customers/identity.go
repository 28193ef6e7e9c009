package customers

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/text"
)

// The kinds of identity.
const (
	Email    = "email"
	Phone    = "phone"
	External = "external" // Value is "source:id", the id in another system
	Card     = "card"
)

// IdentityKinds are all of them, in the order in which they are shown.
var IdentityKinds = []string{Email, Phone, Card, External}

// Identity is something by which one customer is known and nobody else.
type Identity struct {
	Kind  string
	Value string
}

// Known is an identity as a customer holds it.
type Known struct {
	Identity
	Shown string // as it was written
	At    time.Time
	Main  bool // of the emails, or of the phones
	Dead  bool // an email from which post came back
}

// key is the identity in the table of keys.
func (i Identity) key() string { return i.Kind + ":" + i.Value }

func (i Identity) String() string { return i.Value }

// Normalise brings an identity into the one form in which it is stored and
// compared: emails folded, phones in E.164 (region, ISO 3166, is assumed for
// those written without a country's code), cards without spaces. Doing it
// again changes nothing. What cannot be one is errs.Invalid.
func Normalise(i Identity, region string) (Identity, error) {
	v := text.Line(i.Value)
	if len(v) > maxIdentity {
		return i, errs.Wrong(i.Kind, "customers.wrong.identity-long", "Max", maxIdentity)
	}
	switch i.Kind {
	case Email:
		v = strings.ToLower(v)
		at := strings.LastIndexByte(v, '@')
		a, err := mail.ParseAddress(v)
		if at < 0 || !strings.Contains(v[at:], ".") || (err != nil || a.Address != v) && !plainAddress(v) {
			return i, errs.Wrong(Email, "customers.wrong.email")
		}
		i.Value = v
	case Phone:
		return phone(i, v, region)
	case External:
		source, own, ok := strings.Cut(v, ":")
		source, own = strings.ToLower(strings.TrimSpace(source)), strings.TrimSpace(own)
		if !ok || source == "" || own == "" {
			return i, errs.Wrong(External, "customers.wrong.external")
		}
		i.Value = source + ":" + own
	case Card:
		v = strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(v))
		if v == "" {
			return i, errs.Wrong(Card, "customers.wrong.card")
		}
		i.Value = v
	default:
		return i, fmt.Errorf("no kind of identity is called %q", i.Kind)
	}
	return i, nil
}

// plainAddress accepts what shops let through although RFC 5322 does not:
// dots in odd places and letters of any script before the @.
func plainAddress(v string) bool {
	local, domain, _ := strings.Cut(v, "@")
	return local != "" && domain != "" && !strings.ContainsAny(v, " ,;<>\"()[]") && strings.Count(v, "@") == 1
}

// Find returns the customer an identity belongs to; false: nobody's.
func Find(ctx context.Context, q store.Querier, i Identity) (id.Customer, bool, error) {
	found, err := FindMany(ctx, q, []Identity{i})
	if err != nil {
		return 0, false, err
	}
	c, ok := found[i]
	return c, ok, nil
}

// FindMany returns whose the identities are, by the identities as they were
// given. Phones without a country's code are found only when they were stored
// so: Normalise them first. What is no identity at all is nobody's.
func FindMany(ctx context.Context, q store.Querier, is []Identity) (map[Identity]id.Customer, error) {
	given := make(map[string][]Identity, len(is))
	keys := make([]string, 0, len(is))
	for _, i := range is {
		n, err := Normalise(i, "")
		if err != nil {
			continue
		}
		if _, twice := given[n.key()]; !twice {
			keys = append(keys, n.key())
		}
		given[n.key()] = append(given[n.key()], i)
	}
	owners, err := owners(ctx, q, keys)
	if err != nil {
		return nil, err
	}
	found := make(map[Identity]id.Customer, len(owners))
	for key, c := range owners {
		for _, i := range given[key] {
			found[i] = c
		}
	}
	return found, nil
}

// owners reads the table of keys.
func owners(ctx context.Context, q store.Querier, keys []string) (map[string]id.Customer, error) {
	type owned struct {
		key string
		c   id.Customer
	}
	found := make(map[string]id.Customer, len(keys))
	slices.Sort(keys)
	for part := range slices.Chunk(keys, 100) {
		all, err := store.All(ctx, q, func(rows *sql.Rows) (o owned, err error) {
			return o, rows.Scan(&o.key, &o.c)
		}, `select key, customer_id from customer_keys where key in (`+store.List(1, len(part))+`)`, store.Args(part)...)
		if err != nil {
			return nil, fmt.Errorf("find the owners of %d identities: %w", len(part), err)
		}
		for _, o := range all {
			found[o.key] = o.c
		}
	}
	return found, nil
}

// Identities returns by what a customer is known, in the order of
// IdentityKinds, the main ones first.
func Identities(ctx context.Context, q store.Querier, c Customer) ([]Known, error) {
	all, err := store.All(ctx, q, func(rows *sql.Rows) (k Known, err error) {
		var at int64
		err = rows.Scan(&k.Kind, &k.Value, &k.Shown, &at)
		k.At = moment(at)
		return k, err
	}, `select kind, value, shown, created_at from customer_identities where customer_id = $1 order by kind, created_at, value`, int64(c.ID))
	if err != nil {
		return nil, fmt.Errorf("read the identities of %s: %w", c.ID, err)
	}
	dead, err := Bounces(ctx, q, c.ID)
	if err != nil {
		return nil, err
	}
	for i := range all {
		k := &all[i]
		k.Dead = k.Kind == Email && slices.ContainsFunc(dead, func(b Bounce) bool { return b.Address == k.Value })
		k.Main = k.Kind == Email && k.Value == c.Email || k.Kind == Phone && k.Value == c.Phone
	}
	slices.SortStableFunc(all, func(a, b Known) int {
		if d := slices.Index(IdentityKinds, a.Kind) - slices.Index(IdentityKinds, b.Kind); d != 0 || a.Main == b.Main {
			return d
		}
		if a.Main {
			return -1
		}
		return 1
	})
	return all, nil
}

// Claim adds identities to a customer; those that are theirs already change
// nothing. One of somebody else's is errs.Conflict; one of somebody erased is
// free. It records customer.changed with the kinds.
func Claim(ctx context.Context, tx *store.Tx, c id.Customer, by By, is ...Identity) error {
	who, err := lockLiving(ctx, tx, c)
	if err != nil {
		return err
	}
	var kinds, keys []string
	for _, given := range is {
		i, err := Normalise(given, who.Country)
		if err != nil {
			return err
		}
		keys = append(keys, i.key())
		owner, err := claim(ctx, tx, i, c)
		if err != nil {
			return err
		}
		if owner != c {
			return errs.Clash(i.Kind, "customers.wrong.taken", "Identity", i.Value)
		}
		n, err := tx.Exec(ctx, `
			insert into customer_identities (customer_id, kind, value, shown, created_at, import_id, origin_customer_id)
			values ($1, $2, $3, $4, $5, $6, null) on conflict (customer_id, kind, value) do nothing`,
			int64(c), i.Kind, i.Value, text.Line(given.Value), tx.Now.UnixMicro(), null(int64(by.Import)))
		if err != nil {
			return fmt.Errorf("claim an identity for %s: %w", c, err)
		}
		if n > 0 && !slices.Contains(kinds, i.Kind) {
			kinds = append(kinds, i.Kind)
		}
	}
	gone, err := marked(ctx, tx, keys)
	if err != nil {
		return err
	}
	if err := wipe(ctx, tx, slices.Sorted(maps.Keys(gone))); err != nil {
		return err
	}
	return changed(ctx, tx, c, by, kinds)
}

// claim takes a key for a customer, and returns who has it.
func claim(ctx context.Context, tx *store.Tx, i Identity, c id.Customer) (owner id.Customer, err error) {
	if _, err = tx.Exec(ctx, `
		insert into customer_keys (key, customer_id, origin_customer_id) values ($1, $2, null) on conflict (key) do nothing`,
		i.key(), int64(c)); err != nil {
		return 0, fmt.Errorf("claim an identity for %s: %w", c, err)
	}
	err = tx.QueryRow(ctx, `select customer_id from customer_keys where key = $1`, i.key()).Scan(&owner)
	return owner, err
}

// Release takes an identity from a customer, so that it can be claimed by
// another one. An identity that is not theirs changes nothing.
func Release(ctx context.Context, tx *store.Tx, c id.Customer, by By, i Identity) error {
	if _, err := lockLiving(ctx, tx, c); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `delete from customer_identities where customer_id = $1 and kind = $2 and value = $3`, int64(c), i.Kind, i.Value)
	if err != nil || n == 0 {
		return err
	}
	if _, err := tx.Exec(ctx, `delete from customer_keys where key = $1 and customer_id = $2`, i.key(), int64(c)); err != nil {
		return fmt.Errorf("release an identity of %s: %w", c, err)
	}
	return changed(ctx, tx, c, by, []string{i.Kind})
}

// Prefer makes an email or phone of the customer their main one.
func Prefer(ctx context.Context, tx *store.Tx, c id.Customer, by By, i Identity) error {
	if _, err := lockLiving(ctx, tx, c); err != nil {
		return err
	}
	column := map[string]string{Email: "email", Phone: "phone"}[i.Kind]
	if column == "" {
		return errs.Wrong("kind", "customers.wrong.main")
	}
	n, err := tx.Exec(ctx, `
		update customers set `+column+` = $2 where customer_id = $1 and exists (
			select 1 from customer_identities i where i.customer_id = customers.customer_id and i.kind = $3 and i.value = $2)`,
		int64(c), i.Value, i.Kind)
	if err != nil || n == 0 {
		return err
	}
	return changed(ctx, tx, c, by, []string{i.Kind})
}

// By says who changes something, and from where.
type By struct {
	Actor   id.User   // 0: the program
	Source  string    // staff, import, demo, api
	Import  id.Import // 0: none
	History bool
}

func (b By) event(c id.Customer, kind string, payload any) timeline.Event {
	return timeline.Event{Customer: c, Kind: kind, History: b.History, Source: b.Source, Actor: b.Actor, Import: b.Import, Payload: timeline.Payload(payload)}
}

// changed settles what hangs on the customer's fields (main email and phone,
// the terms by which they are found) and records customer.changed.
func changed(ctx context.Context, tx *store.Tx, c id.Customer, by By, fields []string) error {
	if len(fields) == 0 {
		return nil
	}
	if err := settle(ctx, tx, c); err != nil {
		return err
	}
	slices.Sort(fields)
	return timeline.Record(ctx, tx, by.event(c, kindChanged, Changed{Fields: fields}))
}
