package web

import (
	"fmt"
	"iter"
	"mime"
	"net/http"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/export"
)

// Export answers with a list as a file called name, in the form that the
// address asks for (?format=csv, xlsx or jsonl): columns, and then rows as they
// come, without holding them. An error before the first row becomes an error
// page; one after it breaks the download off, so that half a file is never
// taken for a whole one. In CSV, cells that a spreadsheet would run as a
// formula are led by an apostrophe.
func (r *Request) Export(w http.ResponseWriter, name string, columns []export.Column, rows iter.Seq2[[]string, error]) error {
	output, ok := export.OutputNamed(r.URL.Query().Get("format"))
	if !ok {
		return errs.Wrong("format", "web.export.format")
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Hour))
	var out *export.Writer
	start := func() (err error) {
		w.Header().Set("Content-Type", output.ContentType)
		w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name + "." + output.Name}))
		out, err = output.Start(w, columns)
		return err
	}
	for row, err := range rows {
		if err == nil && out == nil {
			err = start()
		}
		if err == nil {
			err = out.Write(row)
		}
		if err != nil {
			return fmt.Errorf("export %s: %w", name, err)
		}
	}
	if out == nil {
		if err := start(); err != nil {
			return fmt.Errorf("export %s: %w", name, err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("export %s: %w", name, err)
	}
	return nil
}

// Rows are the rows of a list that is short and known, for Export.
func Rows(all [][]string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		for _, row := range all {
			if !yield(row, nil) {
				return
			}
		}
	}
}
