package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"regulars/internal/app"
	"regulars/internal/doors/backup"
	"regulars/internal/platform/errs"
)

// lock is with what a backup is encrypted or opened.
type lock struct {
	PassphraseFile string `placeholder:"FILE" env:"REGULARS_BACKUP_PASSPHRASE_FILE" help:"The file whose first line is the passphrase. REGULARS_BACKUP_PASSPHRASE may hold it itself."`
	Recipient      string `placeholder:"age1…" env:"REGULARS_BACKUP_RECIPIENT" help:"Encrypt for an age key instead: its public half."`
	Identity       string `placeholder:"FILE" env:"REGULARS_BACKUP_IDENTITY" help:"Open with an age key: the file with its secret half."`
}

func (l lock) key() (backup.Key, error) {
	k := backup.Key{Passphrase: os.Getenv("REGULARS_BACKUP_PASSPHRASE"), Recipient: l.Recipient, Identity: l.Identity}
	if l.PassphraseFile != "" {
		text, err := os.ReadFile(l.PassphraseFile)
		if err != nil {
			return k, errs.Of(errs.Invalid, err, "regulars.passphrase", "File", l.PassphraseFile)
		}
		line, _, _ := strings.Cut(string(text), "\n")
		if k.Passphrase = strings.TrimSuffix(line, "\r"); k.Passphrase == "" {
			return k, errs.Wrong("passphrase-file", "regulars.passphrase", "File", l.PassphraseFile)
		}
	}
	return k, nil
}

// scheduled tells the server how its backups are made.
type scheduled struct {
	Folder string `name:"backup-folder" placeholder:"FOLDER" env:"REGULARS_BACKUP_FOLDER" help:"Where the daily backups go; otherwise the folder backups beside the database."`
}

func (s scheduled) into(c *app.Config) {
	c.Backups.Folder = s.Folder
	c.Backups.Passphrase, c.Backups.Recipient = os.Getenv("REGULARS_BACKUP_PASSPHRASE"), os.Getenv("REGULARS_BACKUP_RECIPIENT")
}

type backupCmd struct {
	File    string `arg:"" optional:"" help:"Where to write it; otherwise into the folder of backups, named by its time."`
	Check   bool   `help:"Prove that FILE can be restored, and restore nothing. Also a dump of PostgreSQL, with --scratch."`
	Scratch string `placeholder:"URL" help:"An empty PostgreSQL database into which --check restores a dump."`
	scheduled
	lock
}

func (c *backupCmd) Run(ctx context.Context, config app.Config, out io.Writer) error {
	key, err := c.key()
	if err != nil {
		return err
	}
	c.into(&config)
	if c.Check || c.Scratch != "" {
		return c.check(ctx, config, key, out)
	}
	if !strings.Contains(config.DB, "://") {
		if _, err := os.Stat(config.DB); errors.Is(err, fs.ErrNotExist) {
			return errs.Wrong("db", "regulars.no-database", "File", config.DB)
		}
	}
	began := time.Now()
	made, err := app.Back(ctx, config, c.File, key)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %d bytes of %d, %d tables, in %s.\n", made.File, made.Bytes, made.Size, len(made.Rows), time.Since(began).Round(time.Millisecond))
	return nil
}

func (c *backupCmd) check(ctx context.Context, config app.Config, key backup.Key, out io.Writer) error {
	if c.File == "" {
		return errs.Wrong("file", "regulars.check-what")
	}
	if c.Scratch != "" {
		tables, err := app.CheckDump(ctx, config, c.File, c.Scratch)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s can be restored. Rows in it, and in the database now:\n", c.File)
		for _, t := range tables {
			fmt.Fprintf(out, "  %-28s %12d %12d\n", t.Name, t.Restored, t.Now)
		}
		return nil
	}
	m, err := app.CheckBackup(ctx, config, c.File, key)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s can be restored: made at %s by Regulars %s, %d tables, every byte and every row as it was.\n",
		c.File, m.MadeAt.Format(time.RFC3339), m.Program, len(m.Rows))
	return nil
}

type restoreCmd struct {
	File     string `arg:"" optional:"" help:"The backup."`
	Erasures string `placeholder:"FILE" help:"A list of erasures to apply again, where it is not beside the backup. Without a backup: only apply it, after pg_restore."`
	scheduled
	lock
}

func (c *restoreCmd) Run(ctx context.Context, config app.Config, out io.Writer) error {
	key, err := c.key()
	if err != nil {
		return err
	}
	c.into(&config)
	if c.File == "" {
		return c.eraseAgain(ctx, config, out)
	}
	if strings.Contains(config.DB, "://") {
		return errs.Wrong("db", "backup.engine")
	}
	done, err := app.Restore(ctx, config, c.File, c.Erasures, key)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is the database of %s again.\n", config.DB, done.MadeAt.Format(time.RFC3339))
	if done.Aside != "" {
		fmt.Fprintf(out, "What it replaced is kept as %s; remove it once all is well.\n", done.Aside)
	}
	if done.Blind {
		fmt.Fprintln(out, "What it replaced could not be read. Who was erased is known only from the list beside the backups.")
	}
	if done.Erased > 0 {
		fmt.Fprintf(out, "%d customers who had been erased since were erased again.\n", done.Erased)
	}
	sayHeld(out, done.Held)
	return nil
}

func (c *restoreCmd) eraseAgain(ctx context.Context, config app.Config, out io.Writer) error {
	if c.Erasures == "" {
		return errs.Wrong("file", "regulars.restore-what")
	}
	a, err := app.Open(ctx, config)
	if err != nil {
		return err
	}
	defer a.Close()
	done, err := app.AfterRestore(ctx, a, c.Erasures)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d customers were erased again.\n", done.Erased)
	sayHeld(out, done.Held)
	return nil
}

// sayHeld says what waits for a person now.
func sayHeld(out io.Writer, n int) {
	if n > 0 {
		fmt.Fprintf(out, "%d letters and webhooks waited when the backup was made. They may have gone out since, so they are held:\nsend or cancel them on the page Background work, under Held.\n", n)
	}
}
