package customers

import (
	"context"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Table declares how the rows of one table that has a column customer_id
// follow their customer: the slot "own". Each module lists its tables in
//
//	var Tables = []customers.Table{{Name: "orders", Merge: customers.Move, Erase: customers.Keep, Blank: …}}
//
// and app/modules.go puts the lists together. A table may have a column
// import_id (the import that brought the row; null: none) by which the undoing
// of an import finds it.
type Table struct {
	Name string
	// Merge says what becomes of the rows when their customer is merged into
	// another one.
	Merge Merge
	// Key are the columns of the primary key behind customer_id, for KeepFirst
	// and Sum.
	Key []string
	// Sums are the bigint columns that Sum adds up.
	Sums []string
	// Recompute makes the rows of the given customers anew, at the end of a
	// merge and of its undoing. Nil with Recompute: the module does it itself,
	// told by the events customer.merged and customer.unmerged (for this
	// module: settle).
	Recompute func(ctx context.Context, tx *store.Tx, cs ...id.Customer) error
	// Erase says what becomes of the rows when the person is erased.
	Erase Erase
	// Blank are the personal columns that an erased person's kept rows lose,
	// with what stands there afterwards ("" or "{}").
	Blank map[string]string
	// Unexported rows are left out of a person's export: they only repeat
	// other tables, or say nothing of the person.
	Unexported bool
}

// Merge is what becomes of the rows of a customer who is merged.
type Merge uint8

// The ways. Move and KeepFirst need a column origin_customer_id bigint (null:
// always this customer's), and Follow one beside its customer_id.
const (
	// Move gives every row to the survivor. For keys that cannot collide: those
	// with an id in them.
	Move Merge = iota + 1
	// KeepFirst gives the survivor the rows whose key they have not; the others
	// are put aside.
	KeepFirst
	// Sum adds the columns Sums to the survivor's row of the same key.
	Sum
	// Recompute drops the rows; they are made anew from others.
	Recompute
	// Follow is for key tables, which are found by something else and only lead
	// to the customer: the row stays and leads to the survivor.
	Follow
	// Stay leaves the rows with the customer they were of.
	Stay
)

// Erase is what becomes of the rows of a person who is erased.
type Erase uint8

// The ways.
const (
	Empty Erase = iota + 1 // the rows are deleted
	Keep                   // they stay, without what Blank names
)

// Tables are the tables of this module and of the timeline.
var Tables = []Table{
	{Name: "customers", Merge: Stay, Erase: Keep, Blank: map[string]string{"name": "", "sort_name": "", "given": "", "family": "",
		"language": "", "country": "", "email": "", "phone": ""}},
	{Name: "customer_identities", Merge: Move, Erase: Empty},
	{Name: "customer_keys", Merge: Follow, Erase: Empty, Unexported: true},
	{Name: "customer_fills", Merge: Stay, Erase: Empty, Unexported: true},
	{Name: "customer_terms", Merge: Recompute, Erase: Empty, Unexported: true},
	{Name: "customer_notes", Merge: Move, Erase: Empty},
	{Name: "customer_calls", Merge: Move, Erase: Empty},
	{Name: "customer_tags", Merge: KeepFirst, Key: []string{"tag"}, Erase: Empty},
	{Name: "customer_tastes", Merge: KeepFirst, Key: []string{"kind", "taste"}, Erase: Empty},
	{Name: "customer_dates", Merge: KeepFirst, Key: []string{"kind", "label"}, Erase: Empty},
	{Name: "customer_addresses", Merge: Move, Erase: Empty},
	{Name: "customer_consent_log", Merge: Move, Erase: Empty},
	{Name: "customer_consents", Merge: Recompute, Recompute: settleConsents, Erase: Empty, Unexported: true},
	{Name: "customer_changes", Merge: Move, Erase: Empty},
	{Name: "customer_bounces", Merge: KeepFirst, Key: []string{"address"}, Erase: Empty},
	{Name: "customer_merges", Merge: Move, Erase: Keep},
	{Name: "customer_merged_rows", Merge: Move, Erase: Empty},
	{Name: "customer_duplicates", Merge: Stay, Erase: Empty, Unexported: true},
	{Name: "customer_erasures", Merge: Stay, Erase: Keep, Unexported: true},
	{Name: "events", Merge: Move, Erase: Keep},
}
