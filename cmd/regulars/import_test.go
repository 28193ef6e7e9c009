package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shell runs commands on one fresh database.
type shell struct {
	t   *testing.T
	dir string
}

func (s shell) file(name, body string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s shell) run(want int, says string, args ...string) string {
	s.t.Helper()
	var out, errOut bytes.Buffer
	code := run(append([]string{"--db", filepath.Join(s.dir, "r.db"), "--log", "error"}, args...), &out, &errOut)
	if all := out.String() + errOut.String(); code != want || !strings.Contains(all, says) {
		s.t.Fatalf("%v ended with %d, not %d, and said: %s", args, code, want, all)
	}
	return out.String()
}

const czech = "Order,Date,Email,Product,Qty,Price,Currency\n1,2026-01-05,a@example.com,Tea,2,4.50,CZK\n2,2026-01-06,b@example.com,Tea,1,4.50,CZK\n"

func TestTheFirstFileSaysInWhichCurrencyTheBusinessCounts(t *testing.T) {
	s := shell{t, t.TempDir()}
	said := s.run(0, "Your sums are in CZK", "import", s.file("cz.csv", czech))
	if strings.Contains(said, "in no sum") {
		t.Errorf("orders in the business's own currency wait for a rate: %s", said)
	}
	s.run(0, "1 orders in GBP are in no sum yet", "import", s.file("gb.csv", "Order,Date,Email,Total,Currency\n9,2026-02-01,c@example.com,5,GBP\n"))
}

func TestWithoutACurrencyTheFirstFileIsRefusedBeforeAnythingIsFixed(t *testing.T) {
	s := shell{t, t.TempDir()}
	plain := s.file("plain.csv", "Order,Date,Email,Total\n1,2026-01-05,a@example.com,9\n")
	s.run(exitInvalid, "--currency EUR", "import", plain)
	s.run(0, "Your sums are in KRW and your days are those of Asia/Seoul", "import", plain, "--currency", "krw", "--zone", "Asia/Seoul")
}

func TestBadRowsGoToAFileThatIsMendedAndImported(t *testing.T) {
	s := shell{t, t.TempDir()}
	bad := filepath.Join(s.dir, "bad.csv")
	s.run(exitPartly, "2 rows could not be read", "import", "--currency", "EUR", "--errors", bad,
		s.file("orders.csv", "Order,Date,Email,Product,Qty,Price\n1,2026-01-05,a@example.com,Tea,2,4.50\n2,31.2.2026,b@example.com,Tea,1,4.50\n3,2026-01-06,c@example.com,Tea,1,1e400\n"))
	body, err := os.ReadFile(bad)
	if err != nil {
		t.Fatal(err)
	}
	mended := strings.NewReplacer("31.2.2026", "28.2.2026", "1e400", "4.50").Replace(string(body))
	var done []summary
	if err := json.Unmarshal([]byte(s.run(0, "", "import", "--json", s.file("mended.csv", mended))), &done); err != nil {
		t.Fatal(err)
	}
	if len(done) != 1 || done[0].Orders != 2 || done[0].Bad != 0 {
		t.Errorf("the mended file told %+v, want two new orders", done)
	}
	s.run(0, `"differences":0`, "check", "--rebuild", "--json")
}

func TestAMappingIsRememberedForTheNextFileWithTheSameHeader(t *testing.T) {
	s := shell{t, t.TempDir()}
	s.run(0, "1 new orders", "import", "--currency", "EUR", "--map", "order=Kód", "--map", "total=Kolik", "--map", "date=Kdy", "--map", "email=Kdo",
		s.file("a.csv", "Kód,Kdy,Kdo,Kolik\nx1,2026-01-05,a@example.com,9\n"))
	s.run(0, "1 new orders", "import", s.file("b.csv", "Kód,Kdy,Kdo,Kolik\nx2,2026-01-07,b@example.com,7\n"))
}

func TestHelpTeachesTheFirstStepsAndTheExitCodes(t *testing.T) {
	s := shell{t, t.TempDir()}
	said := s.run(0, "regulars demo --serve", "--help")
	for _, want := range []string{"regulars import orders.csv && regulars serve", "3 when some rows were left out", "REGULARS_DB"} {
		if !strings.Contains(said, want) {
			t.Errorf("the help does not say %q", want)
		}
	}
	s.run(exitInvalid, "regulars --help lists the commands", "frobnicate")
}
