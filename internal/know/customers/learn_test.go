package customers_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

func external(n int) customers.Identity {
	return customers.Identity{Kind: customers.External, Value: fmt.Sprintf("shop:%d", n)}
}

// imported is a profile as the importers give them.
func imported(i id.Import, p customers.Profile) customers.Profile {
	p.Import, p.Source, p.History, p.JoinedDay = i, "import", true, "2024-05-17"
	return p
}

func createMany(t *testing.T, db *store.DB, ps ...customers.Profile) []id.Customer {
	t.Helper()
	var made []id.Customer
	testkit.Do(t, db, func(tx *store.Tx) (err error) {
		made, err = customers.CreateMany(t.Context(), tx, ps)
		return err
	})
	return made
}

// rest is a dump without what undoing an import tells of itself.
func rest(t *testing.T, db *store.DB) map[string][]string {
	t.Helper()
	all := dump(t, db, customers.Tables)
	all["events"] = slices.DeleteFunc(all["events"], func(e string) bool { return strings.Contains(e, `[\"import\"]`) })
	return all
}

func TestSomebodyErasedDoesNotComeBackWithOldFiles(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		zanzibar := func(i id.Import) customers.Profile {
			return imported(i, customers.Profile{Name: "Zanzibar", Identities: []customers.Identity{external(1), email("anna@zanzibar.example")}})
		}
		c := createMany(t, db, zanzibar(1))[0]
		bob := createMany(t, db, imported(1, customers.Profile{Name: "Bob", Identities: []customers.Identity{external(2)}}))[0]
		testkit.Do(t, db, func(tx *store.Tx) error {
			return customers.EraseForGood(t.Context(), tx, customers.Tables, c, staff)
		})
		was := dump(t, db, customers.Tables)
		onlyEmail := imported(3, customers.Profile{Name: "Zanzibar", Identities: []customers.Identity{email("Anna@Zanzibar.example"), external(7)}})
		withBob := imported(3, customers.Profile{Name: "Zanzibar", Identities: []customers.Identity{external(2), email("anna@zanzibar.example")}})
		got := createMany(t, db, zanzibar(2), onlyEmail, withBob)
		if want := []id.Customer{c, c, bob}; !slices.Equal(got, want) {
			t.Errorf("the old files led to %v, want %v", got, want)
		}
		same(t, "imported again", was, dump(t, db, customers.Tables))
		if left := findings(t, db); len(left) > 0 {
			t.Errorf("the person stands in %v", left)
		}
	})
}

func TestWhoComesBackAfterAnErasureIsNewAndFilesLeadToThem(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		for i, returns := range []func(p customers.Profile) id.Customer{
			func(p customers.Profile) id.Customer { return create(t, db, p) },
			func(p customers.Profile) id.Customer { return createMany(t, db, p)[0] },
			func(p customers.Profile) id.Customer {
				c := create(t, db, customers.Profile{Name: "Nobody yet"})
				testkit.Do(t, db, func(tx *store.Tx) error { return customers.Claim(t.Context(), tx, c, staff, p.Identities...) })
				return c
			},
		} {
			p := customers.Profile{Name: "Anna", Source: "staff", Identities: []customers.Identity{external(i)}}
			old := createMany(t, db, imported(1, p))[0]
			testkit.Do(t, db, func(tx *store.Tx) error {
				return customers.EraseForGood(t.Context(), tx, customers.Tables, old, staff)
			})
			c := returns(p)
			if c == old {
				t.Fatalf("way %d: the erased customer came back", i)
			}
			if got := createMany(t, db, imported(2, p))[0]; got != c {
				t.Errorf("way %d: a file led to %v, want %v", i, got, c)
			}
			var keys int
			if err := db.QueryRow(t.Context(), `select count(*) from customer_keys`).Scan(&keys); err != nil || keys != i+1 {
				t.Errorf("way %d: %d keys, %v: the mark is still there", i, keys, err)
			}
		}
	})
}

func TestALaterFileCompletesACustomerAndTakesNothingFromOthers(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		other := create(t, db, customers.Profile{Name: "Other", Identities: []customers.Identity{email("shared@example.com")}})
		ana := imported(2, customers.Profile{Name: "Ana Nová", Given: "Ana", Family: "Nová", Language: "cs", Country: "cz",
			Identities: []customers.Identity{external(1), email("ana@example.com"), email("shared@example.com"), {Kind: "phone", Value: "601123456"}}})
		byEmail := imported(2, customers.Profile{Name: "Somebody", Country: "DE", Identities: []customers.Identity{email("ana@example.com")}})
		first := imported(1, customers.Profile{Identities: []customers.Identity{external(1)}})
		for what, files := range map[string][][]customers.Profile{"two files": {{first}, {ana, byEmail}}, "one file": {{first, ana, byEmail}}} {
			t.Run(what, func(t *testing.T) {
				var last []id.Customer
				for _, f := range files {
					last = createMany(t, db, f...)
				}
				c := last[0]
				who, err := customers.ByID(t.Context(), db, c)
				if err != nil || who.Name != "Ana Nová" || who.Given != "Ana" || who.Language != "cs" || who.Country != "CZ" ||
					who.Email != "ana@example.com" || who.Phone != "+420601123456" {
					t.Errorf("%+v, %v", who, err)
				}
				if last[len(last)-1] != c {
					t.Error("the email that came later leads to somebody else")
				}
				if got, _, _ := customers.Find(t.Context(), db, email("shared@example.com")); got != other {
					t.Errorf("what another customer has went to %v", got)
				}
				was := dump(t, db, customers.Tables)
				createMany(t, db, ana, byEmail)
				same(t, "told again", was, dump(t, db, customers.Tables))
				events, err := store.All(t.Context(), db, store.Scalar[string], `
					select import_id || ' ' || cast(payload as text) from events where customer_id = $1 and kind = 'customer.changed'`, int64(c))
				if want := `2 {"fields":["country","email","language","name","phone"]}`; err != nil || len(events) != 1 ||
					strings.ReplaceAll(events[0][2:], " ", "") != want[2:] || events[0][:2] != want[:2] {
					t.Errorf("events %v, %v, want %s", events, err, want)
				}
			})
			testkit.Do(t, db, func(tx *store.Tx) error {
				c, _, _ := customers.Find(t.Context(), tx, external(1))
				for _, i := range []customers.Identity{external(1), email("ana@example.com"), {Kind: "phone", Value: "+420601123456"}} {
					if err := customers.Release(t.Context(), tx, c, staff, i); err != nil {
						return err
					}
				}
				return nil
			})
		}
	})
}

func TestUndoingAnImportTakesAwayWhatItAddedToCustomersOfEarlierOnes(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		for seed := range uint64(6) {
			r := rand.New(rand.NewPCG(seed, 7))
			base := int(seed) * 100
			a, b := id.Import(2*seed+1), id.Import(2*seed+2)
			var ps []customers.Profile
			for n := range 8 {
				p := customers.Profile{Identities: []customers.Identity{external(base + n)}}
				if r.IntN(3) == 0 {
					p.Identities = append(p.Identities, email(fmt.Sprintf("own%d@example.com", base+n)))
				}
				if r.IntN(4) == 0 {
					p.Name = "Own Name"
				}
				ps = append(ps, imported(a, p))
			}
			made := createMany(t, db, ps...)
			was := rest(t, db)
			ps = nil
			for range 20 {
				n := base + r.IntN(10) // two whom the first file did not know
				ps = append(ps, imported(b, customers.Profile{Given: "Ana", Family: fmt.Sprint("No. ", n), Country: "CZ",
					Language: []string{"", "cs"}[r.IntN(2)],
					Identities: []customers.Identity{external(n), email(fmt.Sprintf("e%d@example.com", base+r.IntN(12))),
						{Kind: customers.Card, Value: fmt.Sprint(base + r.IntN(12))}}}))
			}
			for part := range slices.Chunk(ps, 7) {
				createMany(t, db, part...)
			}
			if slices.Equal(rest(t, db)["customer_identities"], was["customer_identities"]) {
				t.Fatalf("seed %d: the second file told nothing", seed)
			}
			// Half of the time two of them are merged in between, and parted again.
			var merge int64
			if seed%2 == 1 {
				testkit.Do(t, db, func(tx *store.Tx) (err error) {
					merge, err = customers.MergeInto(t.Context(), tx, customers.Tables, made[0], made[1], staff)
					return err
				})
			}
			undoImport(t, db, b)
			if merge != 0 {
				testkit.Do(t, db, func(tx *store.Tx) error {
					_, err := customers.UndoMerge(t.Context(), tx, customers.Tables, made[0], merge, staff)
					return err
				})
			}
			same(t, fmt.Sprintf("seed %d, undone", seed), was, rest(t, db))
			if t.Failed() {
				return
			}
		}
	})
}

func TestWhatStaffWroteSinceOutlivesTheImportThatFilledIt(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := create(t, db, customers.Profile{Identities: []customers.Identity{external(1)}})
		createMany(t, db, imported(9, customers.Profile{Name: "Anna", Country: "CZ", Identities: []customers.Identity{external(1), email("a@example.com")}}))
		testkit.Do(t, db, func(tx *store.Tx) error {
			return customers.Change(t.Context(), tx, c, staff, customers.Edit{Name: "Ana", Country: "CZ"})
		})
		undoImport(t, db, 9)
		who, err := customers.ByID(t.Context(), db, c)
		if err != nil || who.Name != "Ana" || who.Country != "" || who.Email != "" {
			t.Errorf("%+v, %v", who, err)
		}
		if _, found, _ := customers.Find(t.Context(), db, email("a@example.com")); found {
			t.Error("the import's email still leads to them")
		}
	})
}

func TestAYesNeedsItsWordsAndItsPlaceAndANoNeedsNeither(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := create(t, db, customers.Profile{Name: "A"})
		for _, d := range []struct {
			customers.Consent
			refused bool
		}{
			{customers.Consent{Channel: "sms", Given: true, Words: "News"}, true},
			{customers.Consent{Channel: "sms", Given: true, Words: "News", Place: " "}, true},
			{customers.Consent{Channel: "sms", Given: true, Place: "till"}, true},
			{customers.Consent{Channel: "sms", Given: true, Words: "News", Place: "till"}, false},
			{customers.Consent{Channel: "sms"}, false},
		} {
			err := db.Tx(t.Context(), func(tx *store.Tx) error { return customers.Decide(t.Context(), tx, c, staff, d.Consent) })
			if errs.Is(err, errs.Invalid) != d.refused || !d.refused && err != nil {
				t.Errorf("%+v: %v", d.Consent, err)
			}
		}
	})
}
