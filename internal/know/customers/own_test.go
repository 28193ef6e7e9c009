package customers_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"regulars/internal/know/customers"
	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// anna is a person with something in every table; each value of hers holds
// the word zanzibar or one of these numbers.
var secrets = []string{"zanzibar", "601123456", "770707"}

func anna(t *testing.T, db *store.DB) id.Customer {
	t.Helper()
	c := create(t, db, customers.Profile{Name: "Zanzibar Anna", Given: "Anna Zanzibar", Family: "Zanzibarová", Country: "CZ", Source: "staff",
		Identities: []customers.Identity{email("anna@zanzibar.example"), {Kind: "phone", Value: "601 123 456"}, {Kind: "card", Value: "770707"}, {Kind: "external", Value: "shop:zanzibar"}},
		Tags:       []string{"Zanzibar"}, Tastes: []customers.Taste{{Kind: "music", Label: "zanzibar jazz"}},
		Dates:     []customers.Date{{Kind: "birthday", MonthDay: "05-17", Year: 1984}, {Kind: "anniversary", MonthDay: "06-01", Label: "Zanzibar shop"}},
		Addresses: []customers.Address{{Recipient: "Zanzibar", Street: "Zanzibar 1", City: "Zanzibar", Postcode: "770707"}},
		Consents:  []customers.Consent{{Channel: "email", Given: true, Place: "zanzibar fair", Words: "zanzibar news"}}})
	other := create(t, db, customers.Profile{Name: "Zanzibar Twin", Identities: []customers.Identity{email("twin@zanzibar.example")}, Tags: []string{"zanzibar"}})
	testkit.Do(t, db, func(tx *store.Tx) error {
		if err := customers.Note(t.Context(), tx, c, staff, "lives in Zanzibar"); err != nil {
			return err
		}
		if err := customers.LogCall(t.Context(), tx, c, staff, customers.Call{Direction: "in", Outcome: "reached", Body: "Zanzibar again"}); err != nil {
			return err
		}
		if err := customers.Change(t.Context(), tx, c, staff, customers.Edit{Name: "Anna of Zanzibar", Language: "cs", Country: "CZ"}); err != nil {
			return err
		}
		_, err := customers.MergeInto(t.Context(), tx, customers.Tables, c, other, staff)
		return err
	})
	return c
}

// findings are the places in the database where a text holds a secret.
func findings(t *testing.T, db *store.DB) []string {
	t.Helper()
	schema, err := store.Schema(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	table := ""
	for line := range strings.Lines(schema) {
		words := strings.Fields(line)
		if len(words) == 2 && words[0] == "table" {
			table = words[1]
		}
		if len(words) < 2 || words[1] != "text" && words[1] != "jsonb" {
			continue
		}
		values, err := store.All(t.Context(), db, store.Scalar[string], fmt.Sprintf(`select coalesce(cast(%s as text), '') from %s`, words[0], table))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			for _, s := range secrets {
				if strings.Contains(strings.ToLower(v), s) {
					all = append(all, table+"."+words[0])
				}
			}
		}
	}
	return all
}

func TestAnErasedPersonIsFoundInNoTextOfTheDatabase(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := anna(t, db)
		if err := jobs.Drain(t.Context(), db, append(customers.Jobs(db), timeline.Jobs(db, nil)...)); err != nil {
			t.Fatal(err)
		}
		if n := len(findings(t, db)); n < 20 {
			t.Fatalf("the test's person stands in %d places only", n)
		}
		erase := func() error {
			return db.Tx(t.Context(), func(tx *store.Tx) error {
				return customers.EraseForGood(t.Context(), tx, customers.Tables, c, staff)
			})
		}
		if err := erase(); err != nil {
			t.Fatal(err)
		}
		if left := findings(t, db); len(left) > 0 {
			t.Errorf("the person still stands in %v", left)
		}
		if err := erase(); err != nil {
			t.Errorf("a second time: %v", err)
		}
		if _, found, _ := customers.Find(t.Context(), db, email("anna@zanzibar.example")); found {
			t.Error("the email still leads to them")
		}
		if err := db.Tx(t.Context(), func(tx *store.Tx) error { return customers.Note(t.Context(), tx, c, staff, "x") }); !errs.Is(err, errs.Conflict) {
			t.Errorf("a note about somebody erased: %v", err)
		}
		list, err := customers.Erasures(t.Context(), db)
		if err != nil || len(list) != 2 {
			t.Errorf("erasures %v, %v: want both who were merged", list, err)
		}
	})
}

func TestErasuresAreAppliedAgainToARestoredBackup(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := anna(t, db)
		nobody := customers.Erasure{Customer: 4711, At: testkit.Start, By: 7}
		list := []customers.Erasure{nobody, {Customer: c, At: testkit.Start, By: 7}}
		for i, want := range []int{1, 0} {
			n, err := customers.ReapplyErasures(t.Context(), db, customers.Tables, list)
			if err != nil || n != want {
				t.Errorf("time %d: %d erased, %v", i+1, n, err)
			}
		}
		if left := findings(t, db); len(left) > 0 {
			t.Errorf("the person still stands in %v", left)
		}
	})
}

func TestAnExportHoldsEverythingOfOnePersonAndNothingOfOthers(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := anna(t, db)
		create(t, db, customers.Profile{Name: "Somebody Else", Tags: []string{"else"}})
		x, err := customers.Export(t.Context(), db, customers.Tables, c, testkit.Start)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		for _, want := range []string{"Anna of Zanzibar", "anna@zanzibar.example", "twin@zanzibar.example", "Zanzibar Twin", "lives in Zanzibar", "Zanzibar again",
			"zanzibar news", "zanzibar jazz", "Zanzibar 1", `"month_day":"05-17"`, `"given":true`, `"kind":"note.added"`, `"customer_id":"` + c.String()} {
			if !strings.Contains(text, want) {
				t.Errorf("the export lacks %s", want)
			}
		}
		if strings.Contains(strings.ToLower(text), "else") {
			t.Error("the export holds somebody else")
		}
	})
}

func undoImport(t *testing.T, db *store.DB, i id.Import) (rounds int) {
	t.Helper()
	for more := true; more; rounds++ {
		testkit.Do(t, db, func(tx *store.Tx) (err error) {
			more, err = customers.UndoImport(t.Context(), tx, customers.Tables, i, 3)
			return err
		})
	}
	return rounds
}

func TestUndoingAnImportLeavesTheDatabaseAsItWas(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		before := create(t, db, customers.Profile{Name: "Before", Tags: []string{"old"}})
		was := dump(t, db, customers.Tables)
		var ps []customers.Profile
		for i := range 10 {
			ps = append(ps, customers.Profile{Name: "Imported", Import: 9, Source: "import", History: true, Tags: []string{"new"},
				Identities: []customers.Identity{{Kind: "external", Value: fmt.Sprintf("s:%d", i)}},
				Consents:   []customers.Consent{{Channel: "post", Given: true, Place: "till", Words: "Yes"}}})
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := customers.CreateMany(t.Context(), tx, ps)
			return err
		})
		if n := undoImport(t, db, 9); n != 4 {
			t.Errorf("%d rounds for 10 customers by 3", n)
		}
		same(t, "undone", was, dump(t, db, customers.Tables))
		_ = before
	})
}

func TestWhoMeansSomethingToOthersOutlivesTheImport(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		var made []id.Customer
		old := create(t, db, customers.Profile{Name: "Old"})
		testkit.Do(t, db, func(tx *store.Tx) (err error) {
			made, err = customers.CreateMany(t.Context(), tx, []customers.Profile{
				{Name: "Goes", Import: 9}, {Name: "Stays", Import: 9, Tags: []string{"imported"}, Identities: []customers.Identity{{Kind: "external", Value: "s:1"}}}, {Name: "Merged", Import: 9, Tags: []string{"imported"}}})
			if err != nil {
				return err
			}
			if err := customers.Note(t.Context(), tx, made[1], staff, "called us"); err != nil {
				return err
			}
			_, err = customers.MergeInto(t.Context(), tx, customers.Tables, old, made[2], staff)
			return err
		})
		undoImport(t, db, 9)
		if _, err := customers.ByID(t.Context(), db, made[0]); !errs.Is(err, errs.NotFound) {
			t.Errorf("who nobody knows is still there: %v", err)
		}
		for _, c := range []id.Customer{made[1], old} {
			who, err := customers.ByID(t.Context(), db, c)
			if err != nil || who.Import != 0 {
				t.Errorf("%+v, %v", who, err)
			}
			if tags, _ := customers.Tags(t.Context(), db, c); len(tags) != 0 {
				t.Errorf("%s kept the tags of the import: %v", who.Name, tags)
			}
		}
		if c, ok, _ := customers.Find(t.Context(), db, customers.Identity{Kind: "external", Value: "s:1"}); !ok || c != made[1] {
			t.Error("who stays must stay known")
		}
		if _, err := customers.Resolve(t.Context(), db, made[2]); err != nil {
			t.Errorf("the tombstone is gone: %v", err)
		}
	})
}

func TestPairsThatLookLikeOnePersonAreSuggestedAndOthersNot(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		birthday := func(day string, year int) []customers.Date {
			return []customers.Date{{Kind: "birthday", MonthDay: day, Year: year}}
		}
		in := func(city string) []customers.Address { return []customers.Address{{City: city, Street: "x"}} }
		ids := func(kind string, vs ...string) (all []customers.Identity) {
			for _, v := range vs {
				all = append(all, customers.Identity{Kind: kind, Value: v})
			}
			return all
		}
		alike := map[string][2]customers.Profile{
			"phone":              {{Name: "Ana", Identities: ids("phone", "+420601123456")}, {Name: "Ana", Identities: ids("phone", "0601123456")}},
			"email":              {{Name: "Bob", Identities: ids("email", "bob.ross@gmail.com")}, {Name: "", Identities: ids("email", "bobross+shop@googlemail.com")}},
			"name,city":          {{Name: "Jan Novák", Addresses: in("Brno")}, {Name: "Novak, Jan", Addresses: in("BRNO")}},
			"near_name,birthday": {{Name: "Christina Smith", Dates: birthday("05-17", 1984)}, {Name: "Cristina Smith", Dates: birthday("05-17", 1984)}},
			"near_email,name":    {{Name: "김민준", Identities: ids("email", "minjun@naver.com")}, {Name: "김민준", Identities: ids("email", "minjnu@naver.com")}},
		}
		want := map[[2]id.Customer]string{}
		for reasons, p := range alike {
			a, b := create(t, db, p[0]), create(t, db, p[1])
			want[[2]id.Customer{a, b}] = reasons
		}
		for _, p := range [][2]customers.Profile{
			{{Name: "Petr Malý", Addresses: in("Praha")}, {Name: "Pavel Malý", Addresses: in("Praha")}},
			{{Name: "Eva Dvořáková", Dates: birthday("01-01", 1970)}, {Name: "Eva Dvořáková", Dates: birthday("01-01", 1990)}},
			{{Name: "Mary Jones", Identities: ids("phone", "+447700900123")}, {Name: "Frederick Jones", Identities: ids("phone", "07700900123")}},
			{{Name: "Li"}, {Name: "Li"}},
		} {
			create(t, db, p[0])
			create(t, db, p[1])
		}
		find := func() []customers.Pair {
			clock.Advance(hours(24))
			if err := customers.FindDuplicates(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			pairs, err := customers.Duplicates(t.Context(), db, 100)
			if err != nil {
				t.Fatal(err)
			}
			return pairs
		}
		pairs := find()
		for _, p := range pairs {
			reasons := want[[2]id.Customer{p.A, p.B}]
			for _, r := range strings.Split(reasons, ",") {
				if !slices.Contains(p.Reasons, r) {
					t.Errorf("pair %v for %v, want %q", p.Score, p.Reasons, reasons)
				}
			}
		}
		if len(pairs) != len(want) {
			t.Errorf("%d pairs, want %d", len(pairs), len(want))
		}
		// A dismissed pair stays away; one that was merged is no pair any more.
		testkit.Do(t, db, func(tx *store.Tx) error {
			if err := customers.Dismiss(t.Context(), tx, pairs[0].B, pairs[0].A, staff); err != nil {
				return err
			}
			_, err := customers.MergeInto(t.Context(), tx, customers.Tables, pairs[1].A, pairs[1].B, staff)
			return err
		})
		if left := find(); len(left) != len(want)-2 {
			t.Errorf("%d pairs are left, want %d", len(left), len(want)-2)
		}
	})
}

func TestTheLatestDecisionIsTheStateOfAChannelWhateverTheOrderOfWriting(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := create(t, db, customers.Profile{Name: "A"})
		decide := func(given bool, hoursAgo int) {
			testkit.Do(t, db, func(tx *store.Tx) error {
				return customers.Decide(t.Context(), tx, c, staff, customers.Consent{Channel: "email", Given: given, Words: "News", Place: "till",
					At: tx.Now.Add(-hours(hoursAgo))})
			})
		}
		allows := func(want bool) {
			t.Helper()
			if got, err := customers.Allows(t.Context(), db, c, "email"); err != nil || got != want {
				t.Errorf("allowed: %v, %v", got, err)
			}
		}
		allows(false)
		decide(true, 5)
		allows(true)
		decide(false, 3)
		allows(false)
		decide(true, 4) // written late
		allows(false)
		proofs, err := customers.Proofs(t.Context(), db, c)
		if err != nil || len(proofs) != 3 || proofs[0].Given || proofs[0].Place != "till" || proofs[0].Words != "News" {
			t.Errorf("%+v, %v", proofs, err)
		}
		err = db.Tx(t.Context(), func(tx *store.Tx) error {
			return customers.Decide(t.Context(), tx, c, staff, customers.Consent{Channel: "sms", Given: true})
		})
		if !errs.Is(err, errs.Invalid) {
			t.Errorf("a yes without words: %v", err)
		}
	})
}
