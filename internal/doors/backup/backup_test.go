package backup

import (
	"context"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"regulars/internal/platform/jobs"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/workspace"
	"regulars/internal/testkit"
	"regulars/internal/testkit/page"
)

func TestTheLastOfEachDayWeekAndMonthIsKept(t *testing.T) {
	var all []Kept
	for day := range 400 { // two a day, the newest first
		at := time.Date(2026, 3, 31, 15, 0, 0, 0, time.UTC).AddDate(0, 0, -day)
		all = append(all, Kept{File: at.Format(stamp), At: at}, Kept{File: at.Add(-6 * time.Hour).Format(stamp), At: at.Add(-6 * time.Hour)})
	}
	gone := spare(all, Settings{Daily: 3, Weekly: 2, Monthly: 3}, time.UTC)
	var kept []string
	for _, k := range all {
		if !slices.ContainsFunc(gone, func(g Kept) bool { return g.File == k.File }) {
			kept = append(kept, k.File[:8])
		}
	}
	// 31 March 2026 is a Tuesday; the week before ends on Sunday the 29th.
	if want := []string{"20260331", "20260330", "20260329", "20260228", "20260131"}; !slices.Equal(kept, want) {
		t.Errorf("kept %v, want %v", kept, want)
	}
	if left := spare(all[:1], Settings{}, time.UTC); len(left) != 0 {
		t.Errorf("the only backup would go: %v", left)
	}
}

// live is a database in a file whose folder of backups is beside it.
func live(t *testing.T, at time.Time) (*store.DB, *testkit.Clock, Setup) {
	t.Helper()
	clock := testkit.NewClock(at)
	db := testkit.Open(t, filepath.Join(t.TempDir(), "shop.db"), store.Options{Clock: clock.Now})
	return db, clock, Setup{Version: "test"}
}

func work(t *testing.T, db *store.DB, setup Setup) error {
	t.Helper()
	return run(t.Context(), db, setup, false)
}

func TestABackupIsMadeOnceADayAfterItsHour(t *testing.T) {
	db, clock, setup := live(t, time.Date(2026, 3, 1, 1, 30, 0, 0, time.UTC))
	count := func(want int, when string) {
		t.Helper()
		if err := work(t, db, setup); err != nil {
			t.Fatal(err)
		}
		all, err := Folder(setup.In(db), "shop")
		if err != nil || len(all) != want {
			t.Errorf("%s: %d backups, want %d, %v", when, len(all), want, err)
		}
	}
	count(0, "before its hour")
	clock.Advance(2 * time.Hour)
	count(1, "at 3:30")
	count(1, "at 3:30 again")
	clock.Advance(20 * time.Hour)
	count(1, "in the evening")
	clock.Advance(5 * time.Hour)
	count(2, "the next day")
	if _, last, err := Load(t.Context(), db); err != nil || last.Day != "2026-03-02" || last.Bytes == 0 || last.Trouble != "" {
		t.Errorf("%+v %v", last, err)
	}
	testkit.Do(t, db, func(tx *store.Tx) error {
		return workspace.Save(t.Context(), tx, 0, workspace.Settings{Name: "Demo", Colour: "#0f766e", Country: "GB", Zone: "UTC", Currency: "EUR", Languages: []string{"en"}, Demo: true})
	})
	clock.Advance(24 * time.Hour)
	count(2, "a demo store")
}

func TestAnOldBackupGoesAndWhatAKilledOneLeft(t *testing.T) {
	db, clock, setup := live(t, time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC))
	testkit.Do(t, db, func(tx *store.Tx) error {
		return Save(t.Context(), tx, 0, Settings{On: true, Hour: 3, Daily: 2}, "")
	})
	dir := setup.In(db)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	stay := []string{"notes.txt", "other-20200101-000000.tar.zst", "shop-20200101-000000.tar.zst.bak", "other-20200101-000000.tar.zst.part"}
	go1 := []string{"shop-20260101-000000.tar.zst.part", "shop-20260101-000000.tar.zst.age.snapshot", "shop-20200101-000000.tar.zst"}
	for _, name := range slices.Concat(stay, go1) {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, clock.Now().AddDate(0, -1, 0), clock.Now().AddDate(0, -1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 {
		if err := work(t, db, setup); err != nil {
			t.Fatal(err)
		}
		clock.Advance(24 * time.Hour)
	}
	var names []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	for _, name := range stay {
		if !slices.Contains(names, name) {
			t.Errorf("%s is gone", name)
		}
	}
	for _, name := range go1 {
		if slices.Contains(names, name) {
			t.Errorf("%s is still there", name)
		}
	}
	if all, _ := Folder(dir, "shop"); len(all) != 2 {
		t.Errorf("%v kept", all)
	}
}

func TestABackupThatFailsIsToldOnItsPage(t *testing.T) {
	db, _, setup := live(t, time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC))
	setup.Folder = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(setup.Folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := work(t, db, setup); err == nil {
		t.Fatal("a backup went into a file that is no folder")
	}
	if _, last, err := Load(t.Context(), db); err != nil || last.Trouble != "folder" || !last.At.IsZero() {
		t.Errorf("%+v %v", last, err)
	}
	h, token := pages(t, db, setup)
	_ = os.Remove(setup.Folder)
	page.Get(t, h, "/settings/backups", page.As(token)).In(".alert-bad", page.HasText(setup.Folder))
}

func pages(t *testing.T, db *store.DB, setup Setup) (http.Handler, string) {
	t.Helper()
	catalog, err := locale.Load(users.Files, workspace.Files, Files, web.Text())
	if err != nil {
		t.Fatal(err)
	}
	h, err := web.New(web.Config{Catalog: catalog, Routes: Admin(db, setup), Files: map[string]fs.FS{"backup": Files}, Places: page.Places(Places),
		Authenticate: func(ctx context.Context, token string) (web.Staff, error) { return users.Authenticate(ctx, db, token) }, Shop: workspace.Shop(db), Now: db.Now})
	if err != nil {
		t.Fatal(err)
	}
	var token string
	testkit.Do(t, db, func(tx *store.Tx) error {
		owner, err := users.Add(t.Context(), tx, users.New{Name: "Ana", Email: "ana@example.com", Role: web.Owner})
		if err == nil {
			token, err = users.Start(t.Context(), tx, owner, "test")
		}
		return err
	})
	return h, token
}

func TestTheScheduleIsChosenOnAPage(t *testing.T) {
	db, clock, setup := live(t, time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC))
	h, token := pages(t, db, setup)
	page.Get(t, h, "/settings/backups", page.As(token)).In(".blank").In(".stat", page.HasText("None yet"))
	form := url.Values{"on": {"1"}, "hour": {"5"}, "daily": {"2"}, "weekly": {"0"}, "monthly": {"1"}, "passphrase": {"short"}}
	page.Post(t, h, "/settings/backups", form, page.As(token)).HasStatus(http.StatusUnprocessableEntity).In("#error-passphrase")
	form.Set("passphrase", "correct horse battery")
	page.Post(t, h, "/settings/backups", form, page.As(token)).Redirects("/settings/backups")
	form.Set("recipient", "age1nothing")
	page.Post(t, h, "/settings/backups", form, page.As(token)).HasStatus(http.StatusUnprocessableEntity).In("#error-recipient")
	page.Post(t, h, "/settings/backups/now", nil, page.As(token)).Redirects("/settings/backups")
	if err := jobs.Drain(t.Context(), db, Jobs(db, setup)); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Minute)
	p := page.Get(t, h, "/settings/backups", page.As(token)).Count("#backups tbody tr", 1).In("#backups tbody td", page.HasText("Yes"))
	if !strings.Contains(p.Text(), "shop-20260301-040000.tar.zst.age") {
		t.Error(p.Text())
	}
	all, err := Folder(setup.In(db), "shop")
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	into := filepath.Join(t.TempDir(), "x.db")
	if _, err := Unpack(t.Context(), all[0].File, into, 1000, Key{Passphrase: "correct horse battery"}); err != nil {
		t.Error(err)
	}
	var stored string
	if err := db.QueryRow(t.Context(), `select cast(passphrase as text) from backups`).Scan(&stored); err != nil || strings.Contains(stored, "horse") {
		t.Errorf("the passphrase lies open in the database: %q %v", stored, err)
	}
}
