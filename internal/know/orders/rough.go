package orders

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// replacedLines is the field of order_changes that holds the rough lines which
// a fuller account took the place of.
const replacedLines = "lines"

// roughLine is such a line as it is kept, to be put back.
type roughLine struct {
	Ordinal  int64      `json:"line"`
	Product  id.Product `json:"product"`
	Quantity int64      `json:"quantity"`
	Price    int64      `json:"price"`
	Total    int64      `json:"total"`
	Import   id.Import  `json:"import,omitempty"`
}

// dropRough takes the lines of a rough order away and notes them among the
// changes.
func dropRough(ctx context.Context, tx *store.Tx, o *Order, have []OrderLine, changes map[string]change) error {
	kept := make([]roughLine, len(have))
	for i, l := range have {
		kept[i] = roughLine{l.Ordinal, l.Product, l.Quantity, l.PriceMicro, l.Total, l.Import}
	}
	body, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	changes[replacedLines] = change{Old: string(body)}
	o.Rough = false
	where, key := o.key(1)
	if _, err := tx.Exec(ctx, `delete from `+o.prefix()+`order_lines where `+where, key...); err != nil {
		return fmt.Errorf("replace the lines of order %s: %w", o.ID, err)
	}
	return nil
}

// putBack writes the rough lines that an import replaced again, and returns
// them.
func putBack(ctx context.Context, tx *store.Tx, o *Order, c change) ([]OrderLine, error) {
	var kept []roughLine
	if err := json.Unmarshal([]byte(c.Old), &kept); err != nil {
		return nil, fmt.Errorf("read the former lines of order %s: %w", o.ID, err)
	}
	w := newLineWriter(ctx, tx, o.Customer)
	lines := make([]OrderLine, len(kept))
	for i, l := range kept {
		lines[i] = OrderLine{Order: o.ID, Ordinal: l.Ordinal, Product: l.Product, Quantity: l.Quantity, PriceMicro: l.Price, Total: l.Total, Import: l.Import}
		if err := w.add(o, l.Ordinal-1, []Line{lines[i].line()}, l.Import); err != nil {
			return nil, err
		}
	}
	o.Rough = len(kept) > 0
	return lines, w.rows.Close()
}

// without is a note of replaced lines without those of an import.
func (c change) without(i id.Import) (change, error) {
	var kept []roughLine
	if err := json.Unmarshal([]byte(c.Old), &kept); err != nil {
		return c, err
	}
	body, err := json.Marshal(slices.DeleteFunc(kept, func(l roughLine) bool { return l.Import == i }))
	return change{Old: string(body)}, err
}
