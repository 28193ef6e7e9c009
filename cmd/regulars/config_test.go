package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"regulars/internal/testkit"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func model(t *testing.T) *kong.Application {
	t.Helper()
	parser, err := kong.New(&cli{}, kong.Name("regulars"), kong.Vars{"version": "", "layouts": "", "fields": ""})
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

func TestGoldenListOfSettings(t *testing.T) {
	var b strings.Builder
	b.WriteString("| environment, and file | flag | of | without it | what |\n|---|---|---|---|---|\n")
	for _, o := range options(model(t)) {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", o.env, o.flag, o.command, o.standard, strings.ReplaceAll(o.help, "|", `\|`))
	}
	const begin, end = "<!-- settings -->\n", "<!-- /settings -->\n"
	path := filepath.Join(testkit.Root(t), "docs/guide/configuration.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	listed, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the list", path)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+b.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if listed != b.String() {
		t.Error("docs/guide/configuration.md does not list the settings there are; make golden")
	}
}

func TestAFlagBeatsTheEnvironmentAndTheEnvironmentTheFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "regulars.conf")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# our shop\n\nREGULARS_DB = \"" + dir + "/file.db\"\nREGULARS_LOG=error\n")
	for _, name := range []string{"REGULARS_DB", "REGULARS_LOG"} {
		t.Setenv(name, "") // so that it is put back, then
		os.Unsetenv(name)
	}
	check := func(want string, args ...string) {
		t.Helper()
		var out, errOut bytes.Buffer
		if code := run(append(args, "check"), &out, &errOut); code != 0 || !strings.Contains(out.String(), want) {
			t.Errorf("%v: %d, %s%s", args, code, out.String(), errOut.String())
		}
	}
	check("file.db", "--config", file)
	t.Setenv("REGULARS_DB", dir+"/env.db")
	check("env.db", "--config="+file)
	check("flag.db", "--config", file, "--db", dir+"/flag.db")
}

func TestABadConfigurationFileIsRefusedByItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"REGULARS_DB":             "line 1",
		"\nREGULARS_DATABASE=x\n": "REGULARS_DATABASE",
		"PATH=/tmp\n":             "PATH",
	} {
		file := filepath.Join(t.TempDir(), "regulars.conf")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errOut bytes.Buffer
		if code := run([]string{"--config", file, "check"}, &out, &errOut); code != exitInvalid || !strings.Contains(errOut.String(), want) {
			t.Errorf("%q: %d, %s", text, code, errOut.String())
		}
	}
	if code := run([]string{"--config", "/nowhere/regulars.conf", "check"}, &bytes.Buffer{}, &bytes.Buffer{}); code != exitInvalid {
		t.Errorf("a file that is not there: %d", code)
	}
}
