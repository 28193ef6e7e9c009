package web

import (
	"encoding/csv"
	"fmt"
	"iter"
	"mime"
	"net/http"
	"time"

	"regulars/internal/platform/text"
)

// CSV answers with a file called name.csv: a heading and then rows as they
// come, without holding them. An error before the first row becomes an error
// page; one after it breaks the download off, so that half a file is never
// taken for a whole one. Cells that a spreadsheet would run as a formula are
// led by an apostrophe.
func (r *Request) CSV(w http.ResponseWriter, name string, heading []string, rows iter.Seq2[[]string, error]) error {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Hour))
	out := csv.NewWriter(w)
	started := false
	start := func() error {
		started = true
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name + ".csv"}))
		if _, err := w.Write([]byte("\ufeff")); err != nil { // Excel reads it as UTF-8 only so
			return err
		}
		return out.Write(text.Harmless(heading))
	}
	for row, err := range rows {
		if err == nil && !started {
			err = start()
		}
		if err == nil {
			err = out.Write(text.Harmless(row))
		}
		if err != nil {
			return fmt.Errorf("export %s: %w", name, err)
		}
	}
	if !started {
		if err := start(); err != nil {
			return fmt.Errorf("export %s: %w", name, err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("export %s: %w", name, err)
	}
	return nil
}
