package app

import (
	"context"
	"fmt"
	"io"

	"regulars/internal/app/migrations"
	"regulars/internal/doors/archive"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
)

// archivePlan says what of the database goes into an archive. A table that is
// not named here goes; a test looks for words of secrets in the columns of
// those.
var archivePlan = archive.Plan{
	Out: map[string]string{
		"nodes":               "which program holds which number",
		"sealing":             "which key seals secrets on this machine",
		"sessions":            "who is signed in",
		"sign_in_tries":       "who tried to",
		"user_links":          "links that let somebody in",
		"user_secrets":        "random keys of this program",
		"audit_head":          "the sealed end of the chain that proves the audit log",
		"backups":             "the schedule of this machine, and its passphrase",
		"collect_sources":     "keys and secrets of shops and sites",
		"collect_inbox":       "what came in by them and is not worked yet",
		"collect_failures":    "the same, that could not be worked",
		"collect_seen":        "which messages came in of late",
		"webhook_endpoints":   "addresses and secrets of other programs",
		"webhook_deliveries":  "what is to be told to them",
		"user_passkeys":       "with what somebody signs in",
		"user_totp":           "second factors",
		"user_recovery_codes": "the same",
		"user_marks":          "tickets that were used",
		"user_access":         "how people sign in here, with a secret",
		"user_identities":     "who is who at another sign-in",
		"mail_settings":       "the password of the mail server",
		"mail_state":          "how sending stands",
		"mail_letters":        "letters that wait to go out, sealed",
		"user_keys":           "keys of programs",
		"api_answers":         "answers that are kept for a day, sealed",
		"api_requests":        "what those programs asked for",
		"import_files":        "files that were uploaded, as they came",
		"insights_results":    "figures that are computed anew",
		"insights_runs":       "figures that are being computed",
	},
	Blank: map[string]string{
		"users.password_hash": "whoever works there chooses a new password",
		"audit.seq":           "the chain that proves the log is of one program",
		"audit.hash":          "the same",

		"customer_erasures.digest": "the seal of a receipt, with this program's key",
	},
	Jobs: []string{"timeline", "customers", "orders", "facts", "scores", "insights"},
}

// Export writes the archive of an opened database.
func Export(ctx context.Context, a *App, w io.Writer) (archive.Manifest, error) {
	return archive.Write(ctx, a.DB, w, archivePlan, a.Version)
}

// ImportArchive reads an archive into an empty database, works what waited in
// it, and leaves the database up to date. One that was made before an update
// is read with its own schema into a database without tables, which is brought
// up to date then.
func ImportArchive(ctx context.Context, c Config, file string) (archive.Manifest, error) {
	from, err := archive.Open(file)
	if err != nil {
		return archive.Manifest{}, err
	}
	defer from.Close()
	known := c.backups().Known
	if from.Schema > known {
		return from.Manifest, errs.Wrong("", "archive.newer", "File", file, "Program", from.Program)
	}
	db, err := store.Open(ctx, c.DB, store.Options{Migrations: migrations.FS, UpTo: from.Schema, Clock: c.Clock, Exclusive: true})
	if err != nil {
		return from.Manifest, err
	}
	contents, err := store.Count(ctx, db)
	if err == nil && contents.Schema != from.Schema {
		err = errs.Wrong("", "archive.older", "Was", from.Schema, "Is", contents.Schema)
	}
	if err == nil {
		err = from.Take(ctx, db, archive.Taking{Plan: archivePlan, Meet: map[string]func(context.Context, *store.Tx, map[string]any) (bool, error){
			"users": users.Meet,
		}})
	}
	if failed := db.Close(); err == nil {
		err = failed
	}
	if err != nil {
		return from.Manifest, err
	}
	a, err := Open(ctx, c) // brings the schema up to date
	if err != nil {
		return from.Manifest, err
	}
	defer a.Close()
	if err := jobs.Drain(ctx, a.DB, a.Modules.Jobs); err != nil {
		return from.Manifest, fmt.Errorf("work what had waited: %w", err)
	}
	return from.Manifest, nil
}
