package report

import (
	"fmt"
	"html/template"
	"io"

	"regulars/internal/platform/locale"
	"regulars/internal/platform/web"
)

// HTML writes a paper as one page that needs nothing else: its style is in it,
// and it asks for nothing from anywhere.
func HTML(w io.Writer, paper *Paper, p *locale.Printer) error {
	set, err := web.Standalone(p, Files, "pages/*.html")
	if err != nil {
		return err
	}
	style, err := web.Styles()
	if err != nil {
		return err
	}
	own, err := Files.ReadFile("pages/report.css")
	if err != nil {
		return err
	}
	data := struct {
		Paper *Paper
		Style template.CSS
	}{paper, style + template.CSS(own)}
	if err := set.ExecuteTemplate(w, "report", data); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}
