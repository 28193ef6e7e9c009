package collect

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"regulars/internal/testkit"
	"regulars/internal/testkit/browser"
)

func TestThePagesOfSourcesAreReadableInEveryWidthAndTheme(t *testing.T) {
	db := testkit.DB(t)
	server, owner := pages(t, db)
	var token string
	{
		r, _ := http.NewRequest(http.MethodGet, "/", nil)
		owner(r)
		token = r.Cookies()[0].Value
	}
	s := open(t, db)
	s.send("/v1/track", `{"event":"Product Viewed","properties":{"name":"A product whose name is rather long for a narrow page"}}`)
	s.work()
	source := "/settings/sources/" + s.source.ID.String()
	for _, look := range []struct {
		name, path, theme string
		width             int64
	}{
		{"list-wide", "/settings/sources", "light", browser.Wide}, {"list-narrow", "/settings/sources", "dark", browser.Narrow},
		{"source-wide", source, "light", browser.Wide}, {"source-narrow", source, "dark", browser.Narrow},
		{"new-narrow", "/settings/sources/new?kind=segment", "light", browser.Narrow},
	} {
		tab := browser.Open(t, server, "", look.width, look.theme)
		tab.SignIn(token)
		tab.Go(look.path)
		tab.FitsWidth()
		tab.NoViolations()
		if complaints := tab.Errors(); len(complaints) > 0 {
			t.Errorf("%s: the browser complains: %q", look.name, complaints)
		}
		if dir := os.Getenv("REGULARS_SCREENSHOTS"); dir != "" {
			tab.Screenshot(filepath.Join(dir, "sources-"+look.name+".png"))
		}
	}
}
