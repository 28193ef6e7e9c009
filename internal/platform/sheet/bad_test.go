package sheet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"regulars/internal/platform/errs"
	"regulars/internal/testkit"
)

func TestFilesThatAreNoTablesAreRefusedInASentence(t *testing.T) {
	random := make([]byte, 5000)
	for i := range random {
		random[i] = byte(i * i * 7 >> 3)
	}
	wide := "a" + strings.Repeat(",a", 9_999) + "\n1,2\n"
	wider := strings.Repeat(",", 999_999) + "\n"
	cases := map[string]struct{ data, want string }{
		"0 bytes":              {"", "The file is empty."},
		"only line ends":       {"\n\r\n\n", "The file holds no rows."},
		"only a mark":          {"\ufeff", "The file holds no rows."},
		"gzip of nothing":      {string(gzipped(t, nil)), "The file is empty."},
		"binary":               {string(random), "The file is not text"},
		"NULs":                 {"a,b\n" + strings.Repeat("\x00", 3000), "The file is not text"},
		"PDF":                  {"%PDF-1.7\n...", "The file is a PDF."},
		"old Excel":            {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1....", "The file is an old Excel workbook (.xls) or one with a password."},
		"web page":             {"\ufeff \n<!DOCTYPE html><table><tr><td>1</td></tr></table>", "The file is a web page or XML"},
		"JSON":                 {`[{"a":1}]`, "The file is JSON"},
		"10,000 columns":       {wide, "Line 1: the row has 10,000 cells, more than the 2,000 that are taken."},
		"a million columns":    {wider, "Line 1: the row has 1,000,000 cells, more than the 2,000 that are taken."},
		"empty zip":            {string(zipped(t)), "The zip holds no files."},
		"zip of two":           {string(zipped(t, "a.csv", "a\n", "b.csv", "b\n")), "The zip holds 2 files: a.csv, b.csv."},
		"zip of a document":    {string(zipped(t, "word/document.xml", "<x/>")), "The file is an office document of another kind."},
		"binary workbook":      {string(zipped(t, "xl/workbook.bin", "x")), "The file is a binary Excel workbook (.xlsb)."},
		"zip that breaks off":  {string(zipped(t, "a.csv", strings.Repeat("a,b\n", 1000))[:60]), "The workbook or zip breaks off before its end."},
		"workbook without":     {string(zipped(t, "xl/workbook.xml", "<workbook/>")), "The workbook holds no rows."},
		"damaged gzip":         {"\x1f\x8b\x09\xff\xff\xff\xff\xff\xff\xff\xff\xff", "The packed file is damaged."},
		"packed over and over": {string(gzipped(t, gzipped(t, gzipped(t, gzipped(t, []byte("a,b\n")))))), "The file is packed more than 3 times over."},
		"formula in header":    {string(workbook(t, `<row r="1"><c r="A1"><f>B1</f></c></row>`)), "Line 1: cell A1 is a formula without a stored result."},
		"broken workbook":      {string(workbook(t, `<row r="1"><c r="A1"><v>1</v>`)), "The workbook breaks off"},
	}
	for name, c := range cases {
		rows, sentence := refused(t, strings.NewReader(c.data), int64(len(c.data)), Options{})
		if !strings.HasPrefix(sentence, c.want) || len(rows) > 0 {
			t.Errorf("%s: %d rows, %s", name, len(rows), sentence)
		}
	}
	if _, err := Open(context.Background(), filepath.Join(t.TempDir(), "none.csv"), Options{}); !errs.Is(err, errs.Invalid) {
		t.Errorf("no such file: %v", err)
	}
	if _, err := Open(context.Background(), t.TempDir(), Options{}); !errs.Is(err, errs.Invalid) {
		t.Errorf("a folder: %v", err)
	}
}

func TestFileThatBreaksOffGivesTheRowsBefore(t *testing.T) {
	var text strings.Builder
	text.WriteString("a,b\n")
	for i := range 200_000 {
		text.WriteString(strings.Repeat("x", i%13) + ",2\n")
	}
	whole := text.String()
	cut := func(data []byte) string { return string(data[:len(data)*3/4]) }
	cases := map[string]struct{ data, want string }{
		"in a quoted cell": {whole + "1,\"and then", "The file ends inside a quoted cell of the row that begins on line 200,002."},
		"in gzip":          {cut(gzipped(t, []byte(whole))), "The file breaks off before its end."},
		"in zstd":          {cut(zstandard(t, []byte(whole))), "The file breaks off before its end."},
	}
	for name, c := range cases {
		rows, sentence := refused(t, strings.NewReader(c.data), int64(len(c.data)), Options{})
		if !strings.HasPrefix(sentence, c.want) {
			t.Errorf("%s: %s", name, sentence)
		}
		if len(rows) < 10_000 || len(rows) > 200_000 {
			t.Errorf("%s: %d rows came before the break", name, len(rows))
		}
		if last := rows[len(rows)-1]; !strings.HasSuffix(last, "|2") {
			t.Errorf("%s: half a row was delivered: %q", name, last)
		}
		r, err := OpenFrom(context.Background(), strings.NewReader(c.data), int64(len(c.data)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		counts := make([]int, 2)
		err = r.Scan(2, func(worker int, row RowBytes) error { counts[worker]++; return nil })
		if testkit.Sentence(err) != sentence || counts[0]+counts[1] != len(rows) {
			t.Errorf("%s: Scan gives %d rows, %v", name, counts[0]+counts[1], err)
		}
		r.Close()
	}
}

// cutUpload is a request that was cut: net/http says io.ErrUnexpectedEOF.
type cutUpload struct{ r io.Reader }

func (c cutUpload) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func TestUploadThatIsCutIsNotTakenForAWholeFile(t *testing.T) {
	rows, sentence := refused(t, cutUpload{strings.NewReader("a,b\n1,2\n3,")}, -1, Options{})
	if !slices.Equal(rows, []string{"1|2"}) || !strings.HasPrefix(sentence, "The file breaks off") {
		t.Errorf("%q %s", rows, sentence)
	}
}

func TestBadRowsAreNamedAndTheOthersGoOn(t *testing.T) {
	text := "a,b\n1,2\n5\" pipe,3\n\"x\"y,4\n" + strings.Repeat("z,", 3000) + "\nn\x00l,5\nok,\"multi\nline\"\nbad\xff,6\nlast,7\n" + strings.Repeat("ž,ok\n", 20)
	rows, err := table(openText(t, text, Options{}))
	want := []string{
		"1|2",
		"! Line 3, character 2: " + testkit.Sentence(bareQuote),
		"! Line 4, character 3: " + testkit.Sentence(loneQuote),
		"! Line 5: " + testkit.Sentence(tooWide(3001, 2000)),
		"! Line 6: a cell holds a NUL byte, which no text has; the file may be damaged. Export it again.",
		"ok|multi\nline",
		"! Line 9: a cell is not UTF-8 like the rest of the file. Save the file as UTF-8, or choose its encoding.",
		"last|7",
	}
	if err != nil || !slices.Equal(rows[:len(want)], want) {
		t.Errorf("%v\nwant %q\ngot  %q", err, want, rows[:len(want)])
	}
	r := openText(t, text, Options{})
	var raws []string
	for {
		_, err := r.Next()
		if err == io.EOF {
			break
		}
		var bad *RowError
		if errors.As(err, &bad) {
			raws = append(raws, string(bad.Raw[:min(len(bad.Raw), 12)]))
			if !errs.Is(err, errs.Invalid) || testkit.Sentence(err) != testkit.Sentence(bad) {
				t.Errorf("%v is no sentence for a person", err)
			}
		}
	}
	if want := []string{"5\" pipe,3", "\"x\"y,4", "z,z,z,z,z,z,", "n\x00l,5", "bad\xff,6"}; !slices.Equal(raws, want) {
		t.Errorf("rows to be mended: want %q, got %q", want, raws)
	}
}

func TestNULInOneCellIsNamed(t *testing.T) {
	text := "a,b\nn\x00l,5\n" + strings.Repeat("ok,1\n", 100)
	for _, o := range []Options{{}, {Encoding: win1250}} {
		rows, err := table(openText(t, text, o))
		if err != nil || len(rows) != 101 || !strings.HasPrefix(rows[0], "! Line 2: a cell holds a NUL byte") {
			t.Errorf("%v: %q %v", o, rows[0], err)
		}
	}
}

// bound is how much memory a hostile file may cost.
const bound = 64 << 20

func TestLineOfAGigabyteCostsLittle(t *testing.T) {
	cases := map[string]func() *endless{
		"a cell":               func() *endless { return &endless{head: "a,b\n1,2\n", piece: "xxxxxxxxxxxxxxxx", left: 1 << 30} },
		"a quoted cell":        func() *endless { return &endless{head: "a,b\n1,2\n\"", piece: "xxxxxxx\nxxxxxxxx", left: 1 << 30} },
		"cells":                func() *endless { return &endless{head: "a,b\n1,2\n", piece: ",", left: 1 << 30} },
		"doubled quotes":       func() *endless { return &endless{head: "a,b\n1,2\n\"", piece: `""`, left: 1 << 30} },
		"quoted cells":         func() *endless { return &endless{head: "a,b\n1,2\n", piece: `"x",`, left: 1 << 30} },
		"from the first byte":  func() *endless { return &endless{piece: "xxxxxxxxxxxxxxxx", left: 1 << 30} },
		"cells from the first": func() *endless { return &endless{piece: "x,", left: 1 << 30} },
	}
	for name, make := range cases {
		most := peak(func() {
			if _, sentence := refused(t, make(), 1<<30, Options{}); !strings.Contains(sentence, "is longer than 4 MB") {
				t.Errorf("%s: %s", name, sentence)
			}
		})
		if most > bound {
			t.Errorf("%s: %d MB", name, most>>20)
		}
		scan := peak(func() {
			r, err := OpenFrom(context.Background(), make(), 1<<30, Options{})
			if err == nil {
				err = r.Scan(2, func(int, RowBytes) error { return nil })
			}
			if !errs.Is(err, errs.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		})
		if scan > 4*bound {
			t.Errorf("%s: Scan took %d MB", name, scan>>20)
		}
		t.Logf("%s: %d MB, Scan %d MB", name, most>>20, scan>>20)
	}
}

func TestBombsCostLittle(t *testing.T) {
	pack := func(piece string, size int64) []byte {
		var buf bytes.Buffer
		w, err := zstd.NewWriter(&buf, zstd.WithEncoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(w, &endless{head: "a,b\n", piece: piece, left: size}); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	lines := pack("1,2\n", 1<<28)
	texts := strings.Repeat("<si><t>"+strings.Repeat("a", 30_000)+"</t></si>", 2300)
	cases := map[string]struct {
		data []byte
		want string
	}{
		"zstd of short lines": {lines, "The file unpacks to more than 64 MB"},
		"zstd of one line":    {pack("x", 1<<26), "The row that begins on line 2 is longer"},
		"gzip in gzip":        {gzipped(t, gzipped(t, []byte("a,b\n"+strings.Repeat("1,2\n", 25<<20)))), "The file unpacks to more than"},
		"gzip of zstd":        {gzipped(t, lines), "The file unpacks to more than"},
		"a sheet":             {workbook(t, strings.Repeat(`<row><c><v>1</v></c></row>`, 3<<20)), "The file unpacks to more than"},
		"shared texts":        {workbook(t, `<row><c t="s"><v>0</v></c></row>`, "xl/sharedStrings.xml", "<sst>"+texts+"</sst>"), "The file unpacks to more than"},
		"a text":              {workbook(t, `<row><c t="inlineStr"><is><t>`+strings.Repeat("a", 40<<20)+`</t></is></c></row>`), "The workbook holds a text too long for a cell."},
		"a text in pieces":    {workbook(t, `<row><c t="inlineStr"><is>`+strings.Repeat("<t>abcdefghijklmnopqrstuvwxyz</t>", 1<<20)+`</is></c></row>`), "The workbook holds a text too long for a cell."},
		"a tag":               {workbook(t, `<row r="`+strings.Repeat("1", 40<<20)+`"/>`), "The workbook holds a text too long for a cell."},
		"many short texts":    {workbook(t, `<row>`+strings.Repeat(`<c t="str"><v>abcdefghijklmnopqrstuvwxyz</v></c>`, 1<<20)+`</row>`), "The row that begins on line 1 is longer"},
	}
	for name, c := range cases {
		most := peak(func() {
			if _, sentence := refused(t, bytes.NewReader(c.data), int64(len(c.data)), Options{}); !strings.HasPrefix(sentence, c.want) {
				t.Errorf("%s: %s", name, sentence)
			}
		})
		if most > 3*bound {
			t.Errorf("%s: %d MB", name, most>>20)
		}
		t.Logf("%s: %d kB cost %d MB", name, len(c.data)>>10, most>>20)
	}
}

func TestZipWithAHugeDirectoryIsRefused(t *testing.T) {
	data := zipped(t, "a.csv", "a,b\n")
	end := bytes.LastIndex(data, []byte("PK\x05\x06"))
	entry := data[bytes.Index(data, []byte("PK\x01\x02")):end]
	start := bytes.Index(data, []byte("PK\x01\x02"))
	big := slices.Concat(data[:start], bytes.Repeat(entry, directoryBytes/len(entry)+2))
	directory := len(big) - start
	big = append(big, data[end:]...)
	for _, declared := range []int{directory, len(entry)} {
		binary.LittleEndian.PutUint32(big[start+directory+12:], uint32(declared))
		if _, sentence := refused(t, bytes.NewReader(big), int64(len(big)), Options{}); !strings.HasPrefix(sentence, "The zip holds too many files.") {
			t.Errorf("declared %d: %s", declared, sentence)
		}
	}
}

func TestUploadOfAWorkbookIsKeptOnDiskWithinBoundsAndRemoved(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	data := workbook(t, `<row><c><v>1</v></c></row>`)
	r, err := OpenFrom(context.Background(), io.MultiReader(bytes.NewReader(data)), -1, Options{NoHeader: true})
	if err != nil {
		t.Fatal(err)
	}
	if kept, _ := os.ReadDir(dir); len(kept) != 1 {
		t.Errorf("%d files are kept", len(kept))
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	_, err = OpenFrom(context.Background(), io.MultiReader(bytes.NewReader(data)), -1, Options{Limits: Limits{SpoolBytes: 100}})
	if !errs.Is(err, errs.TooLarge) {
		t.Errorf("a limit of 100 bytes: %v", err)
	}
	if kept, _ := os.ReadDir(dir); len(kept) != 0 {
		t.Errorf("%d files are left behind", len(kept))
	}
}

func FuzzFilesNeverPanic(f *testing.F) {
	f.Add([]byte("a,b\n1,2\n"))
	f.Add([]byte("\xff\xfea\x00,\x00b\x00\n\x00"))
	f.Add([]byte(" a  b  c\r\n 1  2  3\r\n"))
	f.Add(gzipped(f, []byte("a;b\n\"1")))
	f.Add(zstandard(f, []byte("a\tb\r1\t2")))
	f.Add(zipped(f, "a.csv", "a|b\n"))
	f.Add(workbook(f, `<row><c t="s"><v>0</v></c></row>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := OpenFrom(context.Background(), bytes.NewReader(data), int64(len(data)), Options{})
		if err != nil {
			if !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.TooLarge) {
				t.Errorf("no sentence: %v", err)
			}
			return
		}
		defer r.Close()
		if _, err := Sample(r, 100); err != nil {
			t.Error(err)
		}
		if _, err := table(r); err != nil && !errs.Is(err, errs.Invalid) {
			t.Errorf("no sentence: %v", err)
		}
	})
}
