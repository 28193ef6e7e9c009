package collect

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

func TestEveryKindOfEventHasASampleAndASentence(t *testing.T) {
	catalog, err := locale.Load(Files, web.Text())
	if err != nil {
		t.Fatal(err)
	}
	kinds := timeline.NewKinds(Kinds)
	for _, k := range Kinds {
		payload, err := os.ReadFile(filepath.Join("testdata", "events", fmt.Sprintf("%s.v%d.json", k.Name, k.Version)))
		if err != nil {
			t.Error(err)
			continue
		}
		line, err := kinds.Tell(catalog.For("en"), timeline.Event{Kind: k.Name, Version: k.Version, Payload: payload})
		if err != nil || line.Text == "" || strings.Contains(line.Text+line.Detail, "⟦") {
			t.Errorf("%s says %q %q, %v", k.Name, line.Text, line.Detail, err)
		}
	}
	for name, key := range shopEvents {
		if !catalog.Has("collect.told." + key) {
			t.Errorf("the event %s has no sentence collect.told.%s", name, key)
		}
	}
}

func TestAnEventIsToldInAPlainSentenceWhoeverSpellsIt(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		catalog, err := locale.Load(Files, web.Text())
		if err != nil {
			t.Fatal(err)
		}
		s := open(t, db)
		s.tell(`{"type":"track","userId":"7","event":"Product Viewed","properties":{"name":"Assam tea"},"timestamp":"`+at(-4)+`"}`,
			`{"type":"track","userId":"7","event":"product_added","properties":{"name":"Mug"},"timestamp":"`+at(-3)+`"}`,
			`{"type":"track","userId":"7","event":"Wrote to ana@example.com","timestamp":"`+at(-2)+`"}`,
			`{"type":"page","userId":"7","timestamp":"`+at(-1)+`"}`)
		events, err := timeline.History(t.Context(), db, s.customer(customers.External, "site:7").ID)
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		kinds := timeline.NewKinds(Kinds, customers.Kinds)
		for _, e := range events {
			if e.Source == "collect" && e.Kind != "customer.joined" {
				line, err := kinds.Tell(catalog.For("en"), e)
				if err != nil {
					t.Fatal(err)
				}
				said = append(said, strings.TrimSpace(line.Text+" "+line.Detail))
			}
		}
		want := []string{"Looked at a product Assam tea", "Put a product into the cart Mug", "Did “Wrote to ", "Visited a page"}
		if len(said) != len(want) {
			t.Fatalf("said %q", said)
		}
		for i := range want {
			if !strings.HasPrefix(said[i], want[i]) || strings.Contains(said[i], "ana@example.com") {
				t.Errorf("said %q, want %q", said[i], want[i])
			}
		}
	})
}
