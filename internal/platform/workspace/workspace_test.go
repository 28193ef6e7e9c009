package workspace_test

import (
	"testing"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/workspace"
	"regulars/internal/testkit"
)

var corner = workspace.Settings{
	Name: "Corner Coffee", Colour: "#0f766e", Country: "CZ", Zone: "Europe/Prague", Currency: "CZK", Languages: []string{"cs", "en"}, Saved: true,
}

func save(t *testing.T, db *store.DB, s workspace.Settings) error {
	t.Helper()
	return db.Tx(t.Context(), func(tx *store.Tx) error { return workspace.Save(t.Context(), tx, 0, s) })
}

// addData makes the first thing that was computed with zone and currency.
func addData(t *testing.T, db *store.DB) {
	t.Helper()
	testkit.Do(t, db, func(tx *store.Tx) error {
		if err := testkit.BareCustomer(t.Context(), tx, 1); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `
			insert into events (customer_id, occurred_at, id, kind, version, history, source, ref_id, actor_id, payload, recorded_at)
			values (1, 1, 1, 'customer.joined', 1, $1, 'test', 0, 0, '{}', 1)`, false)
		return err
	})
}

func TestWhatIsSavedIsLoaded(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		guess, err := workspace.Load(t.Context(), db)
		if err != nil || guess.Saved || guess.Zone != "UTC" {
			t.Fatalf("%+v, %v", guess, err)
		}
		for _, demo := range []bool{true, false} {
			want := corner
			want.Demo = demo
			if err := save(t, db, want); err != nil {
				t.Fatal(err)
			}
			got, err := workspace.Load(t.Context(), db)
			if err != nil || got.Name != want.Name || got.Zone != want.Zone || got.Currency != "CZK" || len(got.Languages) != 2 || got.Demo != demo || !got.Saved {
				t.Fatalf("%+v, %v", got, err)
			}
		}
		shop, err := workspace.Shop(db)(t.Context())
		if err != nil || shop.Name != "Corner Coffee" || shop.Language != "cs" || shop.Zone.String() != "Europe/Prague" || shop.Currency != "CZK" {
			t.Errorf("%+v, %v", shop, err)
		}
	})
}

func TestADayBeginsAtMidnightOfTheBusiness(t *testing.T) {
	late := time.Date(2026, 3, 1, 23, 30, 0, 0, time.UTC)
	if day := corner.Day(late); day != "2026-03-02" {
		t.Errorf("in Prague it is %s", day)
	}
	if day := workspace.Guess.Day(late); day != "2026-03-01" {
		t.Errorf("in UTC it is %s", day)
	}
}

func TestZoneAndCurrencyAreFixedWithTheFirstData(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		if err := save(t, db, corner); err != nil {
			t.Fatal(err)
		}
		moved := corner
		moved.Zone, moved.Currency = "Europe/London", "GBP"
		if err := save(t, db, moved); err != nil {
			t.Fatalf("without data: %v", err)
		}
		addData(t, db)
		for field, s := range map[string]workspace.Settings{
			"zone":     {Zone: "Asia/Seoul", Currency: "GBP"},
			"currency": {Zone: "Europe/London", Currency: "KRW"},
		} {
			s.Name, s.Colour, s.Country, s.Languages = moved.Name, moved.Colour, moved.Country, moved.Languages
			if err := save(t, db, s); !errs.Is(err, errs.Invalid) || errs.FieldOf(err) != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		moved.Name = "Another name"
		if err := save(t, db, moved); err != nil {
			t.Errorf("everything else may change: %v", err)
		}
	})
}

func TestDataFromBeforeAnyChoiceFixesWhatWasGuessed(t *testing.T) {
	db := testkit.DB(t)
	addData(t, db)
	if err := save(t, db, corner); errs.FieldOf(err) != "zone" {
		t.Errorf("%v", err)
	}
	kept := corner
	kept.Zone, kept.Currency = workspace.Guess.Zone, workspace.Guess.Currency
	if err := save(t, db, kept); err != nil {
		t.Error(err)
	}
}

func TestSettingsThatCannotBeAreRefusedWithTheirField(t *testing.T) {
	db := testkit.DB(t)
	for field, change := range map[string]func(*workspace.Settings){
		"business": func(s *workspace.Settings) { s.Name = " " },
		"colour":   func(s *workspace.Settings) { s.Colour = "red;}" },
		"country":  func(s *workspace.Settings) { s.Country = "XX" },
		"zone":     func(s *workspace.Settings) { s.Zone = "Europe/Nowhere" },
		"currency": func(s *workspace.Settings) { s.Currency = "czk" },
		"language": func(s *workspace.Settings) { s.Languages = []string{"en", "en"} },
	} {
		s := corner
		change(&s)
		if err := save(t, db, s); !errs.Is(err, errs.Invalid) || errs.FieldOf(err) != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestAChangeOfSettingsIsInTheAuditLogOnce(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		changed := corner
		changed.Name = "Corner Tea"
		for _, s := range []workspace.Settings{corner, corner, changed} {
			if err := save(t, db, s); err != nil {
				t.Fatal(err)
			}
		}
		lines, err := users.AuditLog(t.Context(), db, users.Lines{By: 0, Before: 0, Limit: 10})
		if err != nil || len(lines) != 2 || lines[0].Action != "workspace.changed" || len(lines[0].Fields) != 1 || lines[0].Fields[0] != "name" {
			t.Errorf("%+v, %v", lines, err)
		}
	})
}
