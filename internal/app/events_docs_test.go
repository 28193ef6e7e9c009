package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"regulars/internal/doors/webhooks"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/testkit"
)

func itoa(n int) string { return strconv.Itoa(n) }

// catalogue are the files of docs/events, by name.
type catalogue map[string]string

const eventsHeading = `# What happens: the events

Each event is a message of a [webhook](../guide/webhooks.md) and a line on a customer's timeline. This catalogue is
made of the program itself by ` + "`make golden`" + ` and held to it by a test: a page and a JSON Schema for each kind and
version. A payload that changes gets a new version, and the schema of the old one stays here.

A message holds ids, amounts and names of fields, never what a person is called or how to reach them. Amounts are in
minor units of their currency (cents; a won has none), times of day are UTC.

| event | what a person reads | schema |
|---|---|---|
`

func TestGoldenEventsAreDocumented(t *testing.T) {
	dir := filepath.Join(testkit.Root(t), "docs", "events")
	made := makeCatalogue(t)
	if *update {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range made {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, want := range made {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("docs/events/%s is not what the program says (%v). If that is meant, run: make golden", name, err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, ok := made[f.Name()]; !ok && !olderVersion(f.Name()) {
			t.Errorf("docs/events/%s is of no event", f.Name())
		}
	}
}

// olderVersion reports whether a file is the schema of a version before
// today's, which stays.
func olderVersion(file string) bool {
	name, version, ok := strings.Cut(strings.TrimSuffix(file, ".schema.json"), ".v")
	n, err := strconv.Atoi(version)
	return ok && err == nil && n < kindsOfMessages()[name].Version
}

// kindsOfMessages are all kinds that a webhook can carry.
func kindsOfMessages() timeline.Kinds {
	all := events()
	all[webhooks.Ping.Name] = webhooks.Ping
	return all
}

func makeCatalogue(t *testing.T) catalogue {
	t.Helper()
	catalog, err := Catalog()
	if err != nil {
		t.Fatal(err)
	}
	kinds, said, made := kindsOfMessages(), comments{}, catalogue{}
	var index strings.Builder
	index.WriteString(eventsHeading)
	for _, name := range sortedKinds(kinds) {
		k := kinds[name]
		samples := samplesOf(t, k, k.Version)
		if len(samples) == 0 {
			t.Errorf("there is no sample of %s version %d in any module's testdata/events", name, k.Version)
			continue
		}
		sentence, messages := "", []json.RawMessage{}
		for _, payload := range samples {
			e := sampleEvent(k, payload)
			told, err := kinds.Tell(catalog.For("en"), e)
			if err != nil {
				t.Errorf("%s is not told: %v", name, err)
			}
			if sentence == "" {
				sentence = told.Text
			}
			body, err := webhooks.Body(k, e)
			if err != nil {
				t.Errorf("%s is no message: %v", name, err)
			}
			messages = append(messages, json.RawMessage(body))
		}
		s := said.eventSchema(t, k, k.Version, sentence, messages)
		file := fmt.Sprintf("%s.v%d.schema.json", name, k.Version)
		made[file] = indented(t, s)
		made[name+".md"] = eventPage(t, k, s, file, messages[0])
		fmt.Fprintf(&index, "| [%s](%s.md) | %s | [version %d](%s) |\n", name, name, sentence, k.Version, file)
	}
	made["README.md"] = index.String()
	return made
}

func sortedKinds(kinds timeline.Kinds) []string {
	var names []string
	for name := range kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// samplesOf are the payloads of a version that the modules keep for ever.
func samplesOf(t *testing.T, k timeline.Kind, version int) (all []json.RawMessage) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testkit.Root(t), "internal", "*", "*", "testdata", "events", fmt.Sprintf("%s.v%d*.json", k.Name, version)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, bytes.TrimSpace(b))
	}
	return all
}

// sampleEvent is an event of a store where everything happens at once.
func sampleEvent(k timeline.Kind, payload json.RawMessage) timeline.Event {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	maker := id.NewMaker(1, id.Epoch)
	next := func() int64 { return maker.New(at.UnixMilli()) }
	e := timeline.Event{Customer: id.Customer(next()), ID: id.Event(next()), Kind: k.Name, Version: k.Version, Source: "staff",
		OccurredAt: at, RecordedAt: at.Add(1500 * time.Millisecond), Actor: id.User(next()), Payload: payload}
	if k.Name == webhooks.Ping.Name {
		e.Customer = 0
	}
	if k.Ref != "" {
		e.Ref = next()
	}
	return e
}

func indented(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func eventPage(t *testing.T, k timeline.Kind, s *schema, file string, message json.RawMessage) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\nVersion %d, [as a JSON Schema](%s). All events: [README](README.md).\n\n```json\n%s```\n", k.Name, s.Description, k.Version, file, indented(t, message))
	details := s.Properties.named("data").Properties.named("details")
	if len(details.Properties) == 0 {
		b.WriteString("\nIt has no details.\n")
		return b.String()
	}
	b.WriteString("\n| in `details` | | |\n|---|---|---|\n")
	for _, p := range details.Properties {
		what := p.schema.Type
		if p.schema.Pattern != "" {
			what = "`" + strings.TrimSuffix(strings.TrimPrefix(p.schema.Pattern, "^"), idDigits) + "_…`"
			if !strings.HasSuffix(p.schema.Pattern, idDigits) {
				what = "currency"
			}
		}
		if !slices.Contains(details.Required, p.name) {
			what += ", may be missing"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.name, what, p.schema.Description)
	}
	return b.String()
}

// TestEverySampleIsWhatItsSchemaSays asks a validator that is not ours.
func TestEverySampleIsWhatItsSchemaSays(t *testing.T) {
	kinds := kindsOfMessages()
	for _, name := range sortedKinds(kinds) {
		k := kinds[name]
		for version := 1; version <= k.Version; version++ {
			valid, err := jsonschema.NewCompiler().Compile(filepath.Join(testkit.Root(t), "docs", "events", fmt.Sprintf("%s.v%d.schema.json", name, version)))
			if err != nil {
				t.Errorf("%s version %d: %v", name, version, err)
				continue
			}
			old := k
			old.Version = version
			for _, payload := range samplesOf(t, k, version) {
				body, err := webhooks.Body(old, sampleEvent(old, payload))
				if err != nil {
					t.Fatal(err)
				}
				if err := validate(t, valid, body); err != nil {
					t.Errorf("%s version %d: %s\n%v", name, version, payload, err)
				}
				for _, c := range [][2]string{{`"details":{`, `"details":{"stranger":1,`}, {`"type":"`, `"type":"x`}, {`"customer":"cus_`, `"customer":"`}, {`"timestamp"`, `"time"`}} {
					broken := strings.Replace(strings.Replace(body, c[0], c[1], 1), `1,}`, `1}`, 1)
					if validate(t, valid, broken) == nil {
						t.Errorf("%s version %d lets pass %s", name, version, broken)
					}
				}
			}
		}
	}
}

func validate(t *testing.T, s *jsonschema.Schema, body string) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}
