package orders

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/locale"
)

// TestEverySampleOfAnEventIsReadAndTold holds every payload that was ever
// written readable: a sample of each version stays in testdata for good.
func TestEverySampleOfAnEventIsReadAndTold(t *testing.T) {
	catalog, err := locale.Load(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	kinds := timeline.NewKinds(Kinds)
	want, err := os.ReadFile("testdata/events/sentences.txt")
	if err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	for _, k := range Kinds {
		for v := 1; v <= k.Version; v++ {
			files, _ := filepath.Glob(fmt.Sprintf("testdata/events/%s.v%d*.json", k.Name, v))
			if len(files) == 0 {
				t.Errorf("there is no sample of %s version %d", k.Name, v)
			}
			for _, file := range files {
				payload, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				line, err := kinds.Tell(catalog.For("en"), timeline.Event{Kind: k.Name, Version: v, Customer: 1, Ref: 2, Payload: json.RawMessage(payload)})
				if err != nil || line.Text == "" || strings.Contains(line.Text, "⟦") || line.Href == "" {
					t.Errorf("%s is told as %+v, %v", file, line, err)
				}
				fmt.Fprintf(&told, "%s: %s\n", filepath.Base(file), line.Text)
			}
		}
	}
	if told.String() != string(want) {
		t.Errorf("the samples are told as\n%s", told.String())
	}
}

func TestEveryReasonHasWords(t *testing.T) {
	catalog, err := locale.Load(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range Reasons {
		if !catalog.Has("orders.reason." + r) {
			t.Errorf("the reason %s has no words", r)
		}
	}
	for said, word := range map[string]string{"Damaged": "damaged", "requested_by_customer": "changed_mind", "it smelled": "other", "": ""} {
		if got, _ := knownReason(said, ""); got != word {
			t.Errorf("%q is the reason %q, not %q", said, got, word)
		}
	}
}
