package importers

import (
	"context"
	"fmt"
	"time"

	"regulars/internal/know/keeping"
	"regulars/internal/platform/store"
)

// Keeping lets uploaded files and their bad rows be forgotten, of imports that
// are over. What they brought stays.
var Keeping = []keeping.Kind{{Name: "files", Least: 1, Count: countFiles, Remove: removeFiles}}

// over are imports that nothing more is to be read of.
const over = `select id from imports where finished_at < $1 and state <> 'running' and state <> 'undoing'`

func countFiles(ctx context.Context, q store.Querier, before time.Time) (n int, err error) {
	err = q.QueryRow(ctx, `
		select (select count(distinct import_id) from import_files where import_id in (`+over+`)) +
		       (select count(*) from import_errors where import_id in (`+over+`))`, before.UnixMicro()).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count old files: %w", err)
	}
	return n, nil
}

func removeFiles(ctx context.Context, tx *store.Tx, before time.Time, limit int) (int, error) {
	files, err := tx.Exec(ctx, `
		delete from import_files where import_id in (
			select import_id from import_files where import_id in (`+over+`) group by import_id order by import_id limit 1)`, before.UnixMicro())
	if err != nil {
		return 0, fmt.Errorf("remove old files: %w", err)
	}
	rows, err := tx.Exec(ctx, `
		delete from import_errors where (import_id, line, ordinal) in (
			select import_id, line, ordinal from import_errors where import_id in (`+over+`)
			order by import_id, line, ordinal limit $2)`, before.UnixMicro(), limit)
	if err != nil {
		return 0, fmt.Errorf("remove old rows: %w", err)
	}
	return int(min(files, 1) + rows), nil
}
