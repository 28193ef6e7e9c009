package web_test

import (
	"os"
	"path/filepath"
	"testing"

	"regulars/internal/testkit/browser"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

func TestTheKitIsAccessibleAtEverySizeInLightAndDark(t *testing.T) {
	for _, theme := range []string{"light", "dark"} {
		for name, width := range map[string]int64{"narrow": browser.Narrow, "wide": browser.Wide} {
			t.Run(theme+" "+name, func(t *testing.T) {
				tab := browser.Open(t, serve(t), "/dev/kit", width, theme)
				if dir := os.Getenv("REGULARS_SCREENSHOTS"); dir != "" {
					tab.Screenshot(filepath.Join(dir, "kit-"+theme+"-"+name+".png"))
				}
				tab.NoViolations()
				tab.FitsWidth()
				if errors := tab.Errors(); len(errors) > 0 {
					t.Errorf("the browser complains: %q", errors)
				}
			})
		}
	}
}
