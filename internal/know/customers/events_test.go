package customers_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

func TestEveryKindOfEventHasASampleAndASentence(t *testing.T) {
	catalog, err := locale.Load(customers.Files, web.Text())
	if err != nil {
		t.Fatal(err)
	}
	kinds, samples := timeline.NewKinds(customers.Kinds), 0
	for _, k := range customers.Kinds {
		for version := 1; version <= k.Version; version++ {
			payload, err := os.ReadFile(filepath.Join("testdata", "events", fmt.Sprintf("%s.v%d.json", k.Name, version)))
			if err != nil {
				t.Error(err)
				continue
			}
			samples++
			line, err := kinds.Tell(catalog.For("en"), timeline.Event{Kind: k.Name, Version: version, Payload: payload})
			if err != nil || line.Text == "" || strings.Contains(line.Text+line.Detail, "⟦") {
				t.Errorf("%s v%d says %q %q, %v", k.Name, version, line.Text, line.Detail, err)
			}
		}
	}
	if files, _ := filepath.Glob("testdata/events/*.json"); len(files) != samples {
		t.Errorf("%d samples for %d versions of kinds", len(files), samples)
	}
}

func TestEventsHoldTheFieldsOfTheirSamplesAndNoPersonalValue(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := anna(t, db)
		testkit.Do(t, db, func(tx *store.Tx) error {
			if err := customers.Untag(t.Context(), tx, c, staff, "Zanzibar"); err != nil {
				return err
			}
			if err := customers.Decide(t.Context(), tx, c, staff, customers.Consent{Channel: "sms"}); err != nil {
				return err
			}
			if err := customers.Tag(t.Context(), tx, c, staff, "a", "b"); err != nil {
				return err
			}
			if _, err := customers.BounceMany(t.Context(), tx, staff, []customers.Bounce{{Customer: c, Address: "Gone@Example.com"}}); err != nil {
				return err
			}
			if err := customers.Revive(t.Context(), tx, c, staff, "gone@example.com"); err != nil {
				return err
			}
			merges, err := customers.Merges(t.Context(), tx, c)
			if err != nil {
				return err
			}
			_, err = customers.UndoMerge(t.Context(), tx, customers.Tables, c, merges[0].ID, staff)
			return err
		})
		testkit.Do(t, db, func(tx *store.Tx) error { return customers.EraseForGood(t.Context(), tx, customers.Tables, c, staff) })
		events, err := timeline.History(t.Context(), db, c)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, e := range events {
			seen[e.Kind] = true
			sample, err := os.ReadFile(fmt.Sprintf("testdata/events/%s.v%d.json", e.Kind, e.Version))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := fieldsOf(t, e.Payload), fieldsOf(t, sample); got != want {
				t.Errorf("%s has the fields %s, its sample %s", e.Kind, got, want)
			}
			for _, s := range secrets {
				if strings.Contains(strings.ToLower(string(e.Payload)), s) {
					t.Errorf("%s holds a personal value: %s", e.Kind, e.Payload)
				}
			}
		}
		for _, k := range customers.Kinds {
			if !seen[k.Name] {
				t.Errorf("nothing records %s", k.Name)
			}
		}
	})
}

func fieldsOf(t *testing.T, payload []byte) string {
	var v map[string]any
	if err := json.Unmarshal(payload, &v); err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for name := range v {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

func TestTheSearchForDuplicatesIsAJobThatCanBeAskedFor(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		phone := func(v string) []customers.Identity { return []customers.Identity{{Kind: "phone", Value: v}} }
		create(t, db, customers.Profile{Name: "Ana", Identities: phone("+420601123456")})
		create(t, db, customers.Profile{Name: "Ana", Identities: phone("601123456")})
		testkit.Do(t, db, func(tx *store.Tx) error { return customers.LookForDuplicates(t.Context(), tx) })
		if err := jobs.Drain(t.Context(), db, append(customers.Jobs(db), timeline.Jobs(db, nil)...)); err != nil {
			t.Fatal(err)
		}
		if pairs, err := customers.Duplicates(t.Context(), db, 10); err != nil || len(pairs) != 1 {
			t.Errorf("%v, %v", pairs, err)
		}
	})
}

func TestATagStaysWhileAnyOfTheMergedHasIt(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		to, a, b := create(t, db, customers.Profile{Name: "To"}), create(t, db, customers.Profile{Name: "A", Tags: []string{"VIP"}}), create(t, db, customers.Profile{Name: "B", Tags: []string{"vip"}})
		var first int64
		testkit.Do(t, db, func(tx *store.Tx) (err error) {
			if first, err = customers.MergeInto(t.Context(), tx, customers.Tables, to, a, staff); err != nil {
				return err
			}
			_, err = customers.MergeInto(t.Context(), tx, customers.Tables, to, b, staff)
			return err
		})
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := customers.UndoMerge(t.Context(), tx, customers.Tables, to, first, staff)
			return err
		})
		if tags, err := customers.Tags(t.Context(), db, to); err != nil || len(tags) != 1 || tags[0] != "vip" {
			t.Errorf("tags %v, %v", tags, err)
		}
	})
}
