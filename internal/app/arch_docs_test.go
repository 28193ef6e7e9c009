package app_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"regulars/internal/testkit"
)

var (
	required   = regexp.MustCompile(`(?m)^\s*(?:require )?([\w.-]+\.[\w-]+/\S+) v\S+`)
	dependency = regexp.MustCompile(`(?m)^\| ([\w.-]+\.[\w-]+/\S+) \| (.+) \| (.+) \|$`)
	mayBeUsed  = regexp.MustCompile(`^(MIT|ISC|0BSD|BSD-[23]-Clause|Apache-2\.0|MPL-2\.0)$`)
)

func TestEachDependencyHasItsReasonAndLicence(t *testing.T) {
	root := testkit.Root(t)
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	const page = "docs/adr/0002-dependencies.md"
	listed := map[string]bool{}
	for _, m := range dependency.FindAllStringSubmatch(read(page), -1) {
		listed[m[1]] = true
		if !mayBeUsed.MatchString(m[3]) {
			t.Errorf("%s: the licence of %s is %q, which is not one we accept", page, m[1], m[3])
		}
	}
	direct := map[string]string{}
	modules := required.FindAllStringSubmatch(read("go.mod"), -1)
	for _, s := range sources(t) {
		for _, i := range s.imports() {
			if first, _, _ := strings.Cut(i, "/"); !strings.Contains(first, ".") {
				continue
			}
			longest := ""
			for _, m := range modules {
				if (i == m[1] || strings.HasPrefix(i, m[1]+"/")) && len(m[1]) > len(longest) {
					longest = m[1]
				}
			}
			if longest == "" {
				t.Errorf("%s imports %s, which go.mod does not require", s.name, i)
			}
			direct[longest] = s.name
		}
	}
	for m, user := range direct {
		if !listed[m] {
			t.Errorf("%s (used by %s) has no row in %s: say why, and its licence", m, user, page)
		}
	}
	for m := range listed {
		if direct[m] == "" {
			t.Errorf("%s has a row for %s, which nothing imports", page, m)
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)

func TestTheDocsLeadSomewhere(t *testing.T) {
	root := testkit.Root(t)
	pages, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(filepath.Join(root, "docs"), func(p string, d fs.DirEntry, err error) error {
		if strings.HasSuffix(p, ".md") {
			pages = append(pages, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s leads to %s, which is not there", filepath.Base(page), m[1])
			}
		}
	}
	index, err := os.ReadFile(filepath.Join(root, "docs/adr/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	decisions, _ := filepath.Glob(filepath.Join(root, "docs/adr/0*.md"))
	for _, d := range decisions {
		if !strings.Contains(string(index), "("+filepath.Base(d)+")") {
			t.Errorf("docs/adr/README.md does not list %s", filepath.Base(d))
		}
	}
}

var placed = regexp.MustCompile("(?m)^\\| `((?:platform|know|measure|reach|reward|listen|doors)/\\w+)` \\|")

func TestContributingLeadsToEveryPackage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testkit.Root(t), "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed, there := map[string]bool{}, map[string]bool{}
	for _, m := range placed.FindAllStringSubmatch(string(text), -1) {
		listed[m[1]] = true
	}
	for _, s := range sources(t) {
		if pkg := s.pkg(); strings.Count(pkg, "/") == 1 && !s.isTest() && slices.Contains(order, pkg) && !strings.HasPrefix(pkg, "app/") {
			there[pkg] = true
		}
	}
	for pkg := range there {
		if !listed[pkg] {
			t.Errorf("CONTRIBUTING.md has no line for %s: say in one what it is", pkg)
		}
	}
	for pkg := range listed {
		if !there[pkg] {
			t.Errorf("CONTRIBUTING.md has a line for %s, which is not there", pkg)
		}
	}
}
