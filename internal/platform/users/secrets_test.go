package users_test

import (
	"bytes"
	"regulars/internal/app/migrations"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/secrets"
	"testing"

	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/testkit"
)

func TestEveryProcessGetsTheSameSecretAndEachNameItsOwn(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			dsn := testkit.DSN(t, engine)
			var got [][]byte
			for range 2 {
				db := testkit.Open(t, dsn, store.Options{})
				for _, name := range []string{"flash", "links"} {
					s, err := users.Secret(t.Context(), db, name)
					if err != nil || len(s) != 32 {
						t.Fatalf("%d bytes, %v", len(s), err)
					}
					got = append(got, s)
				}
			}
			if !bytes.Equal(got[0], got[2]) || !bytes.Equal(got[1], got[3]) || bytes.Equal(got[0], got[1]) {
				t.Error("the secrets are not one a name")
			}
		})
	}
}

func TestSecretsAreSealedAndOnlyTheRightKeyOpensTheDatabase(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			dsn := testkit.DSN(t, engine)
			db := testkit.Open(t, dsn, store.Options{})
			first, err := users.Secret(t.Context(), db, "flash")
			if err != nil {
				t.Fatal(err)
			}
			var body []byte
			if err := db.QueryRow(t.Context(), `select body from user_secrets where name = 'flash'`).Scan(&body); err != nil || bytes.Contains(body, first) {
				t.Fatalf("the secret lies open in the database, %v", err)
			}
			other, err := secrets.New(bytes.Repeat([]byte{9}, secrets.KeySize))
			if err != nil {
				t.Fatal(err)
			}
			if wrong, err := store.Open(t.Context(), dsn, store.Options{Migrations: migrations.FS, Secrets: other}); !errs.Is(err, errs.Unavailable) {
				t.Fatalf("opened with another key: %v, %v", wrong, err)
			}
			lost, err := store.Open(t.Context(), dsn, store.Options{Migrations: migrations.FS, Secrets: other, AnyKey: true})
			if err != nil {
				t.Fatal(err)
			}
			defer lost.Close()
			testkit.Do(t, lost, func(tx *store.Tx) error { return users.ForgetSecrets(t.Context(), tx) })
			again := testkit.Open(t, dsn, store.Options{Secrets: other})
			if second, err := users.Secret(t.Context(), again, "flash"); err != nil || bytes.Equal(first, second) {
				t.Errorf("after the key was given up: %v", err)
			}
		})
	}
}

func TestASecretMadeBeforeThereWasSealingIsKeptAndSealed(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		old := bytes.Repeat([]byte{5}, 32)
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `insert into user_secrets (name, body, created_at) values ('flash', $1, 1)`, old)
			return err
		})
		for range 2 {
			if got, err := users.Secret(t.Context(), db, "flash"); err != nil || !bytes.Equal(got, old) {
				t.Fatalf("%x, %v", got, err)
			}
		}
		var body []byte
		if err := db.QueryRow(t.Context(), `select body from user_secrets where name = 'flash'`).Scan(&body); err != nil || bytes.Contains(body, old) {
			t.Errorf("it still lies open, %v", err)
		}
	})
}
