package web

import (
	"fmt"
	"html/template"
	"io/fs"

	"regulars/internal/platform/locale"
	"regulars/internal/platform/web/kit"
)

// Standalone parses templates that are shown without a server, such as those
// of a file to keep, together with the kit. They speak through p; functions
// that need a request or an address must not be called.
func Standalone(p *locale.Printer, files fs.FS, patterns ...string) (*template.Template, error) {
	b := &bound{r: &Request{Print: p}}
	set := template.New("standalone").Option("missingkey=error").Funcs(b.funcs(&Server{assets: &assetSet{}}))
	if _, err := set.ParseFS(kit.Files, "*.html"); err != nil {
		return nil, fmt.Errorf("parse the kit: %w", err)
	}
	if _, err := set.ParseFS(files, patterns...); err != nil {
		return nil, fmt.Errorf("parse the page: %w", err)
	}
	return set, nil
}

// Styles is the look of all pages as one text, without the base it stands on,
// to be put into a file that is to be looked at alone.
func Styles() (template.CSS, error) {
	b, err := joined("assets/css/*.css")
	return template.CSS(b), err
}
