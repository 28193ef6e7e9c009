package insights

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"regulars/internal/platform/store"
)

// Costs are what staff entered for the money case. Zero is not entered.
type Costs struct {
	WinMinor  int64 // to win a customer
	KeepMinor int64 // to bring one back
	// Margin is what is left of revenue after the goods, and Growth by how much
	// revenue is to grow within a year, both of a thousand.
	Margin, Growth int64
}

// LoadCosts reads what was entered; nothing before anything was.
func LoadCosts(ctx context.Context, q store.Querier) (Costs, error) {
	var c Costs
	err := q.QueryRow(ctx, `select win_minor, keep_minor, margin_milli, growth_milli from insights_costs where id = 1`).
		Scan(&c.WinMinor, &c.KeepMinor, &c.Margin, &c.Growth)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return c, fmt.Errorf("read the costs: %w", err)
	}
	return c, nil
}

// SaveCosts replaces what was entered; saving the same again changes nothing.
func SaveCosts(ctx context.Context, tx *store.Tx, c Costs) error {
	_, err := tx.Exec(ctx, `
		insert into insights_costs (id, win_minor, keep_minor, margin_milli, growth_milli, saved_at) values (1, $1, $2, $3, $4, $5)
		on conflict (id) do update set win_minor = excluded.win_minor, keep_minor = excluded.keep_minor,
			margin_milli = excluded.margin_milli, growth_milli = excluded.growth_milli, saved_at = excluded.saved_at`,
		c.WinMinor, c.KeepMinor, c.Margin, c.Growth, tx.Now.UnixMicro())
	if err != nil {
		return fmt.Errorf("save the costs: %w", err)
	}
	return nil
}
