package app_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"regulars/internal/testkit"
)

func TestTheServiceAndTheImageSetOnlySettingsThereAre(t *testing.T) {
	root := testkit.Root(t)
	read := func(name string) string {
		body, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	listed := read("docs/guide/configuration.md")
	for _, name := range []string{"deploy/regulars.conf", "deploy/regulars.service", "Dockerfile", "docs/guide/running.md", "README.md"} {
		for _, setting := range regexp.MustCompile(`REGULARS_[A-Z_]+`).FindAllString(read(name), -1) {
			if !strings.Contains(listed, "`"+setting+"`") {
				t.Errorf("%s sets %s, which docs/guide/configuration.md does not list", name, setting)
			}
		}
	}
}
