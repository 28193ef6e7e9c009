package users

import (
	"context"
	"fmt"

	"regulars/internal/platform/store"
)

// Meet takes a row of an archive for somebody who is here already, known by the
// address, and reports whether there is one: they get the row's id, name and
// role, and keep their password.
func Meet(ctx context.Context, tx *store.Tx, row map[string]any) (bool, error) {
	n, err := tx.Exec(ctx, `update users set id = $1, name = $2, role = $3 where email_key = $4`,
		row["id"], row["name"], row["role"], row["email_key"])
	if err != nil {
		return false, fmt.Errorf("meet a member of staff: %w", err)
	}
	return n > 0, nil
}
