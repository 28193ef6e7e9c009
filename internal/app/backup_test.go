package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"regulars/internal/doors/backup"
	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// rowsOf is every row of every table as text, without what the program's own
// running changes.
func rowsOf(t testing.TB, db *store.DB) map[string][]string {
	t.Helper()
	schema, err := store.Schema(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for name := range tablesOf(schema) {
		if name == "nodes" { // who runs has a number; a restored database's numbers stand still
			continue
		}
		rows, err := db.Query(t.Context(), `select * from `+name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = []string{}
		columns, _ := rows.Columns()
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			all[name] = append(all[name], fmt.Sprint(values...))
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		slices.Sort(all[name])
	}
	return all
}

// holdSame holds two databases equal, table by table.
func holdSame(t testing.TB, was, is map[string][]string) {
	t.Helper()
	if a, b := slices.Sorted(maps.Keys(was)), slices.Sorted(maps.Keys(is)); !slices.Equal(a, b) {
		t.Errorf("the tables were %v and are %v", a, b)
	}
	for name, rows := range was {
		if !slices.Equal(rows, is[name]) {
			t.Errorf("%s held %d rows and holds %d; the first that differ:\n%s", name, len(rows), len(is[name]), firstOther(rows, is[name]))
		}
	}
}

func firstOther(a, b []string) string {
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			return fmt.Sprint(slices.Concat(a[min(i, len(a)):min(i+1, len(a))], []string{"|"}, b[min(i, len(b)):min(i+1, len(b))]))
		}
	}
	return ""
}

// place is a database in a folder of its own, with the configuration to back
// it up and restore it.
func place(t testing.TB) (Config, string) {
	t.Helper()
	dir := t.TempDir()
	return Config{DB: filepath.Join(dir, "shop.db"), Key: strings.Repeat("A", 43) + "=", Version: "1.2.3"}, dir
}

func opened(t testing.TB, c Config) *App {
	t.Helper()
	a, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// people makes customers in the database, drains what follows and closes it.
func people(t *testing.T, c Config, names ...string) (made []id.Customer) {
	t.Helper()
	a := opened(t, c)
	defer a.Close()
	for _, n := range names {
		made = append(made, buyer(t, a.DB, n))
	}
	if err := a.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	return made
}

func snapshotOf(t testing.TB, c Config) map[string][]string {
	t.Helper()
	a := opened(t, c)
	defer a.Close()
	return rowsOf(t, a.DB)
}

func TestABackupRestoresEveryTable(t *testing.T) {
	c, dir := place(t)
	a, _, _ := demoApp(t, c.DB)
	a.Config.Key = c.Key
	was := rowsOf(t, a.DB)
	made, err := Back(t.Context(), c, "", backup.Key{})
	if err != nil {
		t.Fatal(err)
	}
	if made.Bytes == 0 || made.Rows["customers"] < 150 || filepath.Dir(made.File) != filepath.Join(dir, "backups") {
		t.Errorf("made %+v", made)
	}
	testkit.Do(t, a.DB, func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), `delete from customer_tags`)
		return err
	})
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	done, err := Restore(t.Context(), Config{DB: c.DB, Version: "1.2.3"}, made.File, "", backup.Key{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := store.Open(t.Context(), c.DB, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	holdSame(t, was, rowsOf(t, again))
	if _, err := store.Inspect(t.Context(), done.Aside); err != nil {
		t.Errorf("what was replaced: %v", err)
	}
}

func TestABackupIsOfOneMomentWhileOthersWrite(t *testing.T) {
	c, _ := place(t)
	a := opened(t, c)
	defer a.Close()
	stop, ended := make(chan struct{}), make(chan error)
	go func() { // pairs that are always together
		for i := 0; ; i++ {
			select {
			case <-stop:
				ended <- nil
				return
			default:
			}
			if err := a.DB.Tx(context.Background(), func(tx *store.Tx) error {
				for _, day := range []string{"2026-01-01", "2026-01-02"} {
					if _, err := tx.Exec(context.Background(), `
						insert into rates (currency, day, rate, source, added_at) values ($1, $2, 1, 'test', 1)`, fmt.Sprintf("X%d", i), day); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				ended <- err
				return
			}
		}
	}()
	for i := range 8 {
		made, err := Back(t.Context(), c, filepath.Join(filepath.Dir(c.DB), fmt.Sprint(i, ".tar.zst")), backup.Key{})
		if err != nil {
			t.Fatal(err)
		}
		if made.Rows["rates"]%2 != 0 {
			t.Errorf("a backup holds half a transaction: %d rates", made.Rows["rates"])
		}
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestWhoWasErasedAfterTheBackupStaysErased(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, c Config){
		"known to what is replaced": func(t *testing.T, c Config) {
			if err := os.Remove(backup.ErasuresFile(filepath.Join(filepath.Dir(c.DB), "backups"), "shop")); err != nil {
				t.Fatal(err)
			}
		},
		"listed beside the backup": func(t *testing.T, c Config) {
			if err := os.Remove(c.DB); err != nil {
				t.Fatal(err)
			}
		},
		"listed, and what is replaced is damaged": func(t *testing.T, c Config) {
			if err := os.WriteFile(c.DB, bytes.Repeat([]byte("broken"), 2000), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, dir := place(t)
			made := people(t, c, "anna", "berta")
			saved, err := Back(t.Context(), c, "", backup.Key{})
			if err != nil {
				t.Fatal(err)
			}
			a := opened(t, c)
			testkit.Do(t, a.DB, func(tx *store.Tx) error { return customers.EraseForGood(t.Context(), tx, Tables(), made[0], clerk) })
			if err := errors.Join(a.Drain(t.Context()), a.Close()); err != nil {
				t.Fatal(err)
			}
			list, err := os.ReadFile(backup.ErasuresFile(filepath.Join(dir, "backups"), "shop"))
			if err != nil || !strings.Contains(string(list), made[0].String()) || strings.Contains(strings.ToLower(string(list)), "zanzibar") {
				t.Fatalf("the list beside the backups: %s %v", list, err)
			}
			lose(t, c)
			done, err := Restore(t.Context(), c, saved.File, "", backup.Key{})
			if err != nil || done.Erased != 1 {
				t.Fatalf("restored %+v, %v", done, err)
			}
			for table, rows := range snapshotOf(t, c) {
				for _, r := range rows {
					if low := strings.ToLower(r); strings.Contains(low, "zanzibar anna") || strings.Contains(low, "anna@zanzibar") {
						t.Errorf("the person is back in %s: %s", table, r)
					}
				}
			}
			if left := strings.Join(snapshotOf(t, c)["customers"], ""); !strings.Contains(left, "berta") {
				t.Errorf("the other one is gone: %s", left)
			}
		})
	}
}

// unpacked is what a packed file holds; nil: it cannot be unpacked.
func unpacked(t *testing.T, packed []byte) []byte {
	t.Helper()
	z, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	all, err := z.DecodeAll(packed, nil)
	if err != nil {
		return nil
	}
	return all
}

func TestWhatCannotBeRestoredReplacesNothing(t *testing.T) {
	c, dir := place(t)
	people(t, c, "anna")
	key := backup.Key{Passphrase: "correct horse battery"}
	open, err := Back(t.Context(), c, filepath.Join(dir, "open"), backup.Key{})
	if err != nil {
		t.Fatal(err)
	}
	locked, err := Back(t.Context(), c, filepath.Join(dir, "locked"), key)
	if err != nil {
		t.Fatal(err)
	}
	whole := map[string][]byte{}
	for _, made := range []backup.Made{open, locked} {
		if whole[made.File], err = os.ReadFile(made.File); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Contains(whole[locked.File][:40], []byte("age-encryption.org")) {
		t.Error("the locked backup is not encrypted")
	}
	was, err := os.ReadFile(c.DB)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "given")
	refused := func(name string, body []byte, key backup.Key, want string) {
		t.Helper()
		if err := os.WriteFile(file, body, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Restore(t.Context(), c, file, "", key)
		var known *errs.Error
		if !errors.As(err, &known) || known.Key != want {
			t.Errorf("%s: %v, not %s", name, err, want)
		}
		if is, err := os.ReadFile(c.DB); err != nil || !bytes.Equal(is, was) {
			t.Errorf("%s: the database was changed, %v", name, err)
		}
		if left, _ := filepath.Glob(c.DB + ".*ing*"); len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
	plain, sealed := whole[open.File], whole[locked.File]
	refused("no bytes", nil, backup.Key{}, "backup.empty")
	refused("another file", []byte("name,email\n"), backup.Key{}, "backup.none")
	refused("the database itself", was, backup.Key{}, "backup.database")
	refused("a dump", []byte("PGDMP..."), backup.Key{}, "backup.dump")
	refused("no passphrase", sealed, backup.Key{}, "backup.key.needed")
	refused("another passphrase", sealed, backup.Key{Passphrase: "correct horse"}, "backup.key.wrong")
	for range 6 {
		n := 30 + rand.IntN(len(plain)-30)
		refused(fmt.Sprint("cut at ", n), plain[:n], backup.Key{}, "backup.damaged")
		other := bytes.Clone(plain)
		other[n-10] ^= 0x20
		if bytes.Equal(unpacked(t, other), unpacked(t, plain)) {
			continue // a bit that packing has no use for: nothing is damaged
		}
		refused(fmt.Sprint("another byte at ", n-10), other, backup.Key{}, "backup.damaged")
	}
	refused("cut at its last byte", plain[:len(plain)-1], backup.Key{}, "backup.damaged")
	refused("the locked one cut", sealed[:len(sealed)-1], key, "backup.damaged")
	newer := c
	if _, err := backup.Restore(t.Context(), backup.Restoring{File: open.File, DB: newer.DB, Known: open.Schema - 1}); !errs.Is(err, errs.Invalid) {
		t.Errorf("of a newer schema: %v", err)
	}
	if _, err := Restore(t.Context(), c, filepath.Join(dir, "none"), "", key); !errs.Is(err, errs.Invalid) {
		t.Errorf("no file: %v", err)
	}
	if _, err := Restore(t.Context(), c, locked.File, "", key); err != nil {
		t.Errorf("with the right passphrase: %v", err)
	}
}

func TestABackupForAnAgeKeyIsOpenedByItsOtherHalf(t *testing.T) {
	c, dir := place(t)
	people(t, c, "anna")
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "key.txt")
	if err := os.WriteFile(file, []byte("# a key\n"+identity.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	made, err := Back(t.Context(), c, "", backup.Key{Recipient: identity.Recipient().String()})
	if err != nil || !strings.HasSuffix(made.File, ".age") {
		t.Fatal(made.File, err)
	}
	if _, err := CheckBackup(t.Context(), c, made.File, backup.Key{}); !errs.Is(err, errs.Invalid) {
		t.Errorf("without the key: %v", err)
	}
	m, err := CheckBackup(t.Context(), c, made.File, backup.Key{Identity: file})
	if err != nil || m.Rows["customers"] != 1 {
		t.Errorf("%+v %v", m, err)
	}
	if _, err := Back(t.Context(), c, "", backup.Key{Recipient: "age1nothing"}); !errs.Is(err, errs.Invalid) {
		t.Errorf("no key at all: %v", err)
	}
}

func TestADatabaseInUseIsNotReplaced(t *testing.T) {
	c, _ := place(t)
	people(t, c, "anna")
	made, err := Back(t.Context(), c, "", backup.Key{})
	if err != nil {
		t.Fatal(err)
	}
	a := opened(t, c)
	was := rowsOf(t, a.DB)
	if _, err := Restore(t.Context(), c, made.File, "", backup.Key{}); !errs.Is(err, errs.Conflict) {
		t.Errorf("it was replaced under a running program: %v", err)
	}
	buyer(t, a.DB, "berta") // it goes on as if nothing had been
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if now := snapshotOf(t, c); len(now["customers"]) != len(was["customers"])+1 {
		t.Errorf("%d customers, then %d", len(was["customers"]), len(now["customers"]))
	}
}

// runKilled backs up or restores again and again until it is killed.
func runKilled(what, db string) error {
	c := Config{DB: db, Key: strings.Repeat("A", 43) + "="}
	fmt.Println("ready")
	for i := 0; ; i++ {
		var err error
		if what == "backup" {
			_, err = Back(context.Background(), c, filepath.Join(filepath.Dir(c.DB), fmt.Sprintf("shop-20260101-%06d.tar.zst", i)), backup.Key{})
		} else {
			_, err = Restore(context.Background(), c, os.Getenv(restoredEnv), "", backup.Key{})
		}
		if err != nil {
			return err
		}
	}
}

// restoredEnv names the backup that a child restores.
const restoredEnv = "REGULARS_TEST_RESTORED"

func TestKilledAtAnyMomentTheDatabaseAndItsBackupsAreWhole(t *testing.T) {
	c, dir := place(t)
	people(t, c, "anna")
	made, err := Back(t.Context(), c, filepath.Join(dir, "kept.tar.zst"), backup.Key{})
	if err != nil {
		t.Fatal(err)
	}
	chance := testkit.NewChance(t)
	for n := range 24 {
		what := []string{"backup", "restore"}[n%2]
		p := testkit.StartChild(t, what, c.DB, restoredEnv+"="+made.File)
		if said := p.Said(); said != "ready" {
			t.Fatalf("%s: %s", what, said)
		}
		time.Sleep(20*time.Millisecond + chance.Within(250*time.Millisecond)) //nolint:forbidigo // a real process is killed at a real moment
		p.Kill()
		contents, err := store.Inspect(t.Context(), c.DB)
		if err != nil || contents.Rows["customers"] != 1 {
			t.Fatalf("killed in a %s: %v %v", what, contents.Rows["customers"], err)
		}
		backups, err := filepath.Glob(filepath.Join(dir, "shop-*.tar.zst"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range backups[max(0, len(backups)-2):] {
			if _, err := CheckBackup(t.Context(), c, file, backup.Key{}); err != nil {
				t.Errorf("killed in a %s: %v", what, err)
			}
		}
		old, _ := filepath.Glob(c.DB + ".replaced-*")
		for _, file := range append(old, backups...) {
			_ = os.Remove(file)
		}
	}
}

func TestWhatAKilledBackupLeftGoesWhenTheProgramStarts(t *testing.T) {
	c, dir := place(t)
	people(t, c, "anna")
	left := filepath.Join(dir, "backups", "shop-20260301-033000.tar.zst")
	if err := os.MkdirAll(filepath.Dir(left), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, ending := range []string{".snapshot", ".part"} {
		if err := os.WriteFile(left+ending, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Work(ctx) }()
	for range 500 {
		if found, _ := filepath.Glob(left + ".*"); len(found) == 0 {
			stop()
			<-ended
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	<-ended
	t.Error("it is still there")
}

func TestTheNameOfABackupSaysWhatItIsOf(t *testing.T) {
	db := testkit.DB(t)
	if got := backup.Name(db, time.Date(2026, 3, 1, 2, 30, 0, 0, time.UTC), backup.Key{Passphrase: "x"}); !strings.HasSuffix(got, "-20260301-023000.tar.zst.age") {
		t.Error(got)
	}
}
