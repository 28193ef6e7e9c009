package secrets

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func box(t *testing.T, seeds ...byte) *Box {
	t.Helper()
	var keys [][]byte
	for _, seed := range seeds {
		keys = append(keys, bytes.Repeat([]byte{seed}, KeySize))
	}
	b, err := New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhatIsSealedIsUnreadableAndOpensUnchanged(t *testing.T) {
	b := box(t, 1)
	for _, plain := range [][]byte{{}, []byte("correct horse"), bytes.Repeat([]byte("x"), 100_000)} {
		sealed := b.Seal("mail", plain)
		if len(plain) > 0 && bytes.Contains(sealed, plain) {
			t.Error("the plain bytes stand in what was sealed")
		}
		if again := b.Seal("mail", plain); bytes.Equal(sealed, again) {
			t.Error("sealing twice gave the same bytes")
		}
		got, err := b.Open("mail", sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

func TestOnlyTheSameKeyAndPurposeOpen(t *testing.T) {
	b := box(t, 1)
	sealed := b.Seal("mail", []byte("correct horse"))
	if _, err := box(t, 2).Open("mail", sealed); !errors.Is(err, ErrSealed) {
		t.Errorf("another key: %v", err)
	}
	if _, err := b.Open("shop", sealed); !errors.Is(err, ErrSealed) {
		t.Errorf("another purpose: %v", err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := b.Open("mail", changed); !errors.Is(err, ErrSealed) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		if _, err := b.Open("mail", sealed[:i]); !errors.Is(err, ErrSealed) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
}

func TestAKeyIsChangedByPuttingANewOneInFront(t *testing.T) {
	sealed := box(t, 1).Seal("mail", []byte("correct horse"))
	both := box(t, 2, 1)
	if _, err := both.Open("mail", sealed); err != nil {
		t.Errorf("the old key no longer opens: %v", err)
	}
	if _, err := box(t, 2).Open("mail", both.Seal("mail", []byte("new"))); err != nil {
		t.Errorf("the new key does not seal: %v", err)
	}
}

func TestTheKeyFileIsMadeOnceForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "regulars.key")
	sealed := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range sealed {
		wg.Go(func() {
			b, err := File(path)
			if err != nil {
				t.Error(err)
				return
			}
			sealed[i] = b.Seal("mail", []byte("correct horse"))
		})
	}
	wg.Wait()
	b, err := File(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range sealed {
		if _, err := b.Open("mail", s); err != nil {
			t.Errorf("program %d got a key of its own: %v", i, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("%d files are left", len(files))
	}
}

func TestABadKeyFileIsRefusedWithoutShowingIt(t *testing.T) {
	for name, body := range map[string]string{"empty": "", "no base64": "secret!", "too short": "c2VjcmV0"} {
		path := filepath.Join(t.TempDir(), "regulars.key")
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := File(path)
		if err == nil {
			t.Fatalf("%s: accepted", name)
		}
		if body != "" && strings.Contains(err.Error(), body) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
}

func FuzzOpeningNeverPanics(f *testing.F) {
	b, err := New(bytes.Repeat([]byte{1}, KeySize))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b.Seal("mail", []byte("correct horse")))
	f.Add([]byte{form})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if plain, err := b.Open("shop", sealed); err == nil {
			t.Errorf("opened %q", plain)
		}
	})
}
