// Package migrations holds the schema: one folder, one text for all engines,
// forward only.
//
// Its one rule: a file that has landed is never edited; a change is a new
// file.
package migrations

import "embed"

// FS holds the files NNNN_name.sql, run in order by platform/store.
//
//go:embed *.sql
var FS embed.FS
