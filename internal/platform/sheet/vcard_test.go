package sheet

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// cards reads a file of contacts as rows of name and value; empty cells are
// left out.
func cards(t testing.TB, body []byte) (rows []map[string]string, bad []*RowError) {
	t.Helper()
	r, err := OpenFrom(t.Context(), bytes.NewReader(body), int64(len(body)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Format().Kind != "vcard" {
		t.Fatalf("it is taken for %q", r.Format().Kind)
	}
	for {
		row, err := r.Next()
		var wrong *RowError
		switch {
		case err == io.EOF:
			return rows, bad
		case errors.As(err, &wrong):
			bad = append(bad, wrong)
			continue
		case err != nil:
			t.Fatal(err)
		}
		found := map[string]string{}
		for i, name := range r.Header() {
			if c := row.Cell(i); c != "" {
				found[name] = c
			}
		}
		rows = append(rows, found)
	}
}

func has(t testing.TB, row map[string]string, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if row[pairs[i]] != pairs[i+1] {
			t.Errorf("%s is %q, want %q", pairs[i], row[pairs[i]], pairs[i+1])
		}
	}
}

func TestCardsOfEachVersionAreRead(t *testing.T) {
	rows, bad := cards(t, []byte(strings.ReplaceAll(`BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Nov=C3=A1kov=C3=A1;Ana;;;
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Ana Nov=
=C3=A1kov=C3=A1
TEL;HOME:+420 222 333 444
TEL;CELL;PREF:+420601123456
EMAIL;INTERNET:Ana@Example.com
ADR;HOME:;;Dlouh=E1 1;Praha;;110 00;CZ
PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQSkZJRgABAQ
 AAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAg==

BDAY:19800517
AGENT:
BEGIN:VCARD
FN:The assistant
END:VCARD
END:VCARD
begin:vcard
version:3.0
FN:Ben Short\, Jr.
N:Short\;Long;Ben;Q.;Mr.;Jr.
item1.EMAIL;type=INTERNET;type=HOME:other@example.com
item2.EMAIL;type=INTERNET;type=pref:ben@
 example.com
item3.X-ABLabel:_$!<Work>!$_
NOTE:first line\nsecond line
 and on
CATEGORIES:VIP,Tea
ADR;TYPE=home:;;Short 2\nBack house;Brno;South;602 00;Czechia
BDAY;X-APPLE-OMIT-YEAR=1604:1604-05-17
UID:abc
end:vcard
BEGIN:VCARD
VERSION:4.0
KIND:group
FN:Friends
END:VCARD
BEGIN:VCARD
VERSION:4.0
FN:Carla
N:Rossi;Carla;;;
TEL;VALUE=uri;PREF=1;TYPE="voice,home":tel:+39-06-1234567
EMAIL;PREF=1:mailto:carla@example.com
LANG:it
ORG:Rossi \; Figli;Sales
BDAY:--0412
END:VCARD
`, "\n", "\r\n")))
	if len(rows) != 3 || len(bad) != 0 {
		t.Fatalf("%d cards, %d bad: %v", len(rows), len(bad), rows)
	}
	has(t, rows[0], CardName, "Ana Nováková", CardFamily, "Nováková", CardGiven, "Ana", CardEmail, "Ana@Example.com",
		CardPhone, "+420601123456", CardPhones, "+420 222 333 444", CardCity, "Praha", CardPostcode, "110 00", CardBirthday, "19800517")
	has(t, rows[1], CardName, "Ben Short, Jr.", CardFamily, "Short;Long", CardGiven, "Ben Q.", CardEmail, "ben@example.com",
		CardEmails, "other@example.com", CardNote, "first line\nsecond lineand on", CardCategories, "VIP,Tea",
		CardStreet, "Short 2\nBack house", CardCountry, "Czechia", CardBirthday, "--05-17", CardUID, "abc")
	has(t, rows[2], CardName, "Carla", CardPhone, "+39-06-1234567", CardEmail, "carla@example.com", CardLanguage, "it",
		CardOrganisation, "Rossi ; Figli", CardBirthday, "--0412")
}

func TestCardsAreReadInEveryEncoding(t *testing.T) {
	const body = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Žofie Šťastná\r\nEMAIL:zofie@example.com\r\nEND:VCARD\r\n"
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	central, err := charmap.Windows1250.NewEncoder().Bytes([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	named := []byte(strings.Replace(body, "FN:Žofie Šťastná", "FN;CHARSET=ISO-8859-2;ENCODING=QUOTED-PRINTABLE:=AEofie =A9=BBastn=E1", 1))
	for name, file := range map[string][]byte{"utf-8": []byte(body), "mark": append([]byte("\xef\xbb\xbf"), body...), "utf-16": wide, "1250": central,
		"named": named, "old Macintosh": []byte(strings.ReplaceAll(body, "\r\n", "\r"))} {
		rows, _ := cards(t, file)
		if len(rows) != 1 || rows[0][CardName] != "Žofie Šťastná" || rows[0][CardEmail] != "zofie@example.com" {
			t.Errorf("%s: %v", name, rows)
		}
	}
}

func TestACardThatIsCutOffIsToldWithItsLine(t *testing.T) {
	rows, bad := cards(t, []byte("BEGIN:VCARD\nFN:Whole\nEND:VCARD\nBEGIN:VCARD\nFN:Half"))
	if len(rows) != 1 || len(bad) != 1 || bad[0].Line != 4 {
		t.Errorf("%v, %v", rows, bad)
	}
}

func TestAHugeCardIsRefusedAndNotKept(t *testing.T) {
	body := "BEGIN:VCARD\nNOTE:" + strings.Repeat("x", 3<<10) + "\nEND:VCARD\n"
	r, err := OpenFrom(t.Context(), strings.NewReader(body), int64(len(body)), Options{Limits: Limits{RowBytes: 1 << 10}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Next(); err == nil || err == io.EOF {
		t.Errorf("a card of 3 kB is read where 1 kB is the most: %v", err)
	}
}

func FuzzCardsNeverBreakTheReader(f *testing.F) {
	for _, seed := range []string{"BEGIN:VCARD\nFN:a\nEND:VCARD", "BEGIN:VCARD\nN:;;\\;;=\n =\nEND:VCARD\n", "begin:vcard\nEMAIL;ENCODING=QUOTED-PRINTABLE:=\n=\n\nend:vcard",
		"BEGIN:VCARD\nADR;CHARSET=KOI8-R;\"a:b\":;;\\\nEND:VCARD\nEND:VCARD\nBEGIN:VCARD", "BEGIN:VCARD\nPHOTO;ENCODING=b:////\n \n \nBEGIN:VCARD\nEND:VCARD\nEND:VCARD"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := OpenFrom(t.Context(), bytes.NewReader(append([]byte("BEGIN:VCARD\n"), body...)), -1, Options{Limits: Limits{RowBytes: 4 << 10}})
		if err != nil {
			return
		}
		defer r.Close()
		for range 10_000 {
			row, err := r.Next()
			var bad *RowError
			if errors.As(err, &bad) {
				continue
			}
			if err != nil {
				return
			}
			if r.Format().Kind != "vcard" {
				continue
			}
			if len(row.Cells) != len(cardColumns) {
				t.Fatalf("%d cells", len(row.Cells))
			}
			for _, c := range row.Cells {
				if !utf8.ValidString(c) || strings.ContainsRune(c, 0) {
					t.Fatalf("%q is no text", c)
				}
			}
		}
	})
}
