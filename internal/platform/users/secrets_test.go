package users_test

import (
	"bytes"
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
