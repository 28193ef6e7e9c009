package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"regulars/internal/app"
	"regulars/internal/doors/archive"
	"regulars/internal/platform/errs"
)

type exportCmd struct {
	File string `arg:"" placeholder:"FILE.zip" help:"Where to write it. Docs of each file and field: docs/archive.md."`
}

func (c *exportCmd) Run(ctx context.Context, config app.Config, out io.Writer) error {
	a, err := app.Open(ctx, config)
	if err != nil {
		return err
	}
	defer a.Close()
	began := time.Now()
	m, err := writeArchive(ctx, a, c.File)
	if err != nil {
		return err
	}
	var rows int64
	for _, t := range m.Tables {
		rows += t.Rows
	}
	fmt.Fprintf(out, "%s: %d rows of %d tables, in %s. It holds personal data: keep it as you keep the database.\n",
		c.File, rows, len(m.Tables), time.Since(began).Round(time.Millisecond))
	return nil
}

// writeArchive lets the file appear when it is whole.
func writeArchive(ctx context.Context, a *app.App, file string) (m archive.Manifest, err error) {
	part, err := os.OpenFile(file+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return m, errs.Of(errs.Invalid, err, "regulars.file", "File", file)
	}
	defer os.Remove(part.Name())
	m, err = app.Export(ctx, a, part)
	if err == nil {
		err = part.Sync()
	}
	if err = errors.Join(err, part.Close()); err != nil {
		return m, err
	}
	return m, os.Rename(part.Name(), file)
}

// takeArchive reads an archive of a whole database into an empty one.
func takeArchive(ctx context.Context, config app.Config, file string, out io.Writer) error {
	began := time.Now()
	m, err := app.ImportArchive(ctx, config, file)
	if err != nil {
		return err
	}
	var rows int64
	for _, t := range m.Tables {
		rows += t.Rows
	}
	fmt.Fprintf(out, "%s: %d rows of %d tables read into an empty database, in %s. It is %s as of %s.\n"+
		"Whoever worked there needs a new password: regulars user password EMAIL\n",
		file, rows, len(m.Tables), time.Since(began).Round(time.Millisecond), m.Business, m.MadeAt.Format(time.RFC3339))
	return nil
}
