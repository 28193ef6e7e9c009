package app

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Many hands add modules: whose lines were left out of the list could be
// reached by nobody.
func TestEveryModulesPlacesAreInTheNavigationOnce(t *testing.T) {
	source, err := os.ReadFile("modules.go")
	if err != nil {
		t.Fatal(err)
	}
	lists := regexp.MustCompile(`(?s)m\.Places = join\((.*?)\)`).FindAllStringSubmatch(string(source), -1)
	if len(lists) != 1 {
		t.Fatalf("the navigation is put together %d times", len(lists))
	}
	files, err := filepath.Glob("../*/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") || !strings.Contains(string(text), "\nvar Places = []web.Place{") {
			continue
		}
		seen++
		pkg := filepath.Base(filepath.Dir(file))
		if n := len(regexp.MustCompile(`\b`+pkg+`\.Places\b`).FindAllString(lists[0][1], -1)); n != 1 {
			t.Errorf("%s.Places stand %d times in the navigation", pkg, n)
		}
	}
	if seen < 10 {
		t.Errorf("only %d modules have places", seen)
	}
}

func TestAllBackgroundWorkIsCalledByWhatItDoes(t *testing.T) {
	c, _ := place(t)
	a := opened(t, c)
	defer a.Close()
	english := a.Modules.Catalog.For("en")
	for _, kind := range join(a.Modules.Jobs, a.Modules.Sending) {
		if title := english.T("job." + kind.Name); strings.HasPrefix(title, "⟦") {
			t.Errorf("%s is called by nothing: say what it does as job.%s in internal/doors/admin/text", kind.Name, kind.Name)
		}
	}
}
