package users

import (
	"os"
	"strings"
	"testing"

	"regulars/internal/platform/errs"
)

// real is the cost outside of tests, which would spend their time hashing.
var real = current

func TestMain(m *testing.M) {
	current = cost{memory: 64, time: 1, threads: 1}
	os.Exit(m.Run())
}

func TestHashingCostsWhatOWASPAdvises(t *testing.T) {
	if real.memory < 19<<10 || real.time < 2 || real.threads != 1 {
		t.Errorf("%+v", real)
	}
	if ok, stale := verify(real.hash("seven grey cats"), "seven grey cats"); !ok || !stale {
		t.Errorf("fits %v, stale %v", ok, stale)
	}
}

func TestAPasswordIsLongEnoughAndNotTheName(t *testing.T) {
	for plain, good := range map[string]bool{
		"short 123":              false,
		"ana.novak@example.com":  false,
		"ANA NOVAK@example com":  false,
		"Ana Maria Novák":        false,
		"ana-maria-novak":        false,
		"seven grey cats":        true,
		"고양이 일곱 마리가 간다":          true,
		"!!!!!!!!!!":             true,
		strings.Repeat("a", 256): true,
		strings.Repeat("a", 257): false,
		"":                       false,
	} {
		_, err := NewPassword(plain, "Ana Maria Novak", "ana.novak@example.com")
		if (err == nil) != good || err != nil && errs.FieldOf(err) != "password" {
			t.Errorf("%q: %v", plain, err)
		}
	}
}

func TestOnlyTheRightPasswordFitsAHash(t *testing.T) {
	hash := current.hash("seven grey cats")
	if ok, stale := verify(hash, "seven grey cats"); !ok || stale {
		t.Error("the right one does not")
	}
	if ok, _ := verify(hash, "seven grey cat"); ok {
		t.Error("a wrong one does")
	}
	if hash == current.hash("seven grey cats") {
		t.Error("the same password has the same hash twice")
	}
}

func TestAHashOfAnotherCostFitsAndIsMadeAnew(t *testing.T) {
	old := cost{memory: 1 << 10, time: 1, threads: 1}.hash("seven grey cats")
	if ok, stale := verify(old, "seven grey cats"); !ok || !stale {
		t.Errorf("fits %v, stale %v", ok, stale)
	}
	if ok, stale := verify(old, "wrong"); ok || stale {
		t.Error("a wrong password would change the hash")
	}
}

// The vector is the one of the reference implementation's test suite
// (phc-winner-argon2, src/test.c, version 0x13, argon2id).
func TestAHashOfTheReferenceImplementationIsRead(t *testing.T) {
	const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if ok, _ := verify(reference, "password"); !ok {
		t.Error("the reference hash of “password” is not accepted")
	}
}

func FuzzABrokenHashLetsNobodyIn(f *testing.F) {
	for _, s := range []string{"", "$", "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AA", "$argon2id$v=19$m=4294967295,t=1,p=1$$", "$argon2id$v=19$m=0,t=0,p=0$$"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, hash string) {
		if c, _, _, err := parseHash(hash); err == nil && c.memory > 1<<12 {
			t.Skip("takes too much of the machine")
		}
		if ok, _ := verify(hash, "seven grey cats"); ok {
			t.Errorf("%q fits", hash)
		}
	})
}
