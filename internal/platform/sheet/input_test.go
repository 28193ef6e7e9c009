package sheet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"regulars/internal/platform/errs"
	"regulars/internal/testkit"
)

func TestRealFilesAreReadWhole(t *testing.T) {
	cases := []struct {
		file, first, last string
		rows              int
		format            Format
		header            []string
	}{
		{"online_retail.csv.zst",
			"2 536365|85123A|WHITE HANGING HEART T-LIGHT HOLDER|6|2010-12-01 08:26:00|2.55|17850|United Kingdom",
			"541910 581587|22138|BAKING SET 9 PIECE RETROSPOT|3|2011-12-09 12:50:00|4.95|12680|France", 541909,
			Format{Packing: "zstd", Kind: "csv", Encoding: "utf-8", Delimiter: ','},
			[]string{"InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"}},
		{"cdnow_master.txt", "2 00001|19970101|1|11.77", "69660 23570|19970326|2|42.96", 69659,
			Format{Kind: "columns", Encoding: "utf-8"},
			[]string{"customer_id", "date", "number_of_cds", "dollar_value"}},
	}
	for _, c := range cases {
		r, err := Open(context.Background(), testkit.Data(t, c.file), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(r.Format(), c.format) || !slices.Equal(r.Header(), c.header) || len(r.Notices()) > 0 {
			t.Errorf("%s: %+v %q %q", c.file, r.Format(), r.Header(), r.Notices())
		}
		rows, first, last := 0, "", ""
		for {
			row, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if row.Missing()+row.Extra() > 0 {
				t.Fatalf("%s, line %d: %q", c.file, row.Line, row.Cells)
			}
			rows++
			if rows == 1 || rows == c.rows {
				last = fmt.Sprintf("%d %s", row.Line, strings.Join(row.Cells, "|"))
			}
			if rows == 1 {
				first = last
			}
		}
		if rows != c.rows || first != c.first || last != c.last {
			t.Errorf("%s: %d rows, %q to %q", c.file, rows, first, last)
		}
		if done, total := r.Progress(); done != total {
			t.Errorf("%s: at the end the progress is %d of %d", c.file, done, total)
		}
		r.Close()
	}
}

func TestLayoutIsDetectedByContent(t *testing.T) {
	cases := []struct {
		name, text string
		kind       string
		delim      byte
		want       []string
	}{
		{"comma", "a,b,c\n1,\"x;y\",3\n", "csv", ',', []string{"1|x;y|3"}},
		{"semicolon with decimal commas", "id;total;note\n1;2,50;a, b, c\n2;1.240,00;\"x\ny\"\n", "csv", ';', []string{"1|2,50|a, b, c", "2|1.240,00|x\ny"}},
		{"tab", "a\tb\n1, 2\t3\n", "csv", '\t', []string{"1, 2|3"}},
		{"bar", "a|b|c\n1|2,5|3\n", "csv", '|', []string{"1|2,5|3"}},
		{"Excel's first line", "sep=;\r\na;b\r\n1;2\r\n", "csv", ';', []string{"1|2"}},
		{"one column", "email\nann@x.com\nbob@y.com\n", "csv", ',', []string{"ann@x.com", "bob@y.com"}},
		{"one column of names", "name\nAnn Smith\nBob van Dyke\n", "csv", ',', []string{"Ann Smith", "Bob van Dyke"}},
		{"columns", " id  date  total\r\n 01 19970101  1.00\r\n 02 19970102 12.00\r\n", "columns", 0, []string{"01|19970101|1.00", "02|19970102|12.00"}},
		{"old Macintosh lines", "a,b\r1,2\r3,4", "csv", ',', []string{"1|2", "3|4"}},
		{"byte order mark", "\ufeffa,b\n1,2\n", "csv", ',', []string{"1|2"}},
		{"no rows", "a,b", "csv", ',', nil},
		{"blank lines first", "\n\r\na,b\n\n1,2\n", "csv", ',', []string{"1|2"}},
		{"ragged", "a,b,c\n1,2\n1,2,3,4\n", "csv", ',', []string{"1|2", "1|2|3|4"}},
	}
	for _, c := range cases {
		r := openText(t, c.text, Options{})
		rows, err := table(r)
		if f := r.Format(); err != nil || f.Kind != c.kind || f.Delimiter != c.delim || !slices.Equal(rows, c.want) {
			t.Errorf("%s: %+v %q %v", c.name, f, rows, err)
		}
		if strings.ContainsRune(r.Header()[0], '\ufeff') {
			t.Errorf("%s: the mark is part of %q", c.name, r.Header()[0])
		}
	}
}

func TestRaggedRowsAreDeliveredWithTheFact(t *testing.T) {
	r := openText(t, "a,b,c\n1,2\n\"x\n\",2,3,4\n,, \n", Options{})
	short, _ := r.Next()
	if short.Line != 2 || short.Missing() != 1 || short.Extra() != 0 || short.Cell(2) != "" {
		t.Errorf("%+v", short)
	}
	long, _ := r.Next()
	if long.Line != 3 || long.Missing() != 0 || long.Extra() != 1 || long.Blank() {
		t.Errorf("%+v", long)
	}
	if blank, _ := r.Next(); blank.Line != 5 || !blank.Blank() {
		t.Errorf("%+v", blank)
	}
}

func TestOptionsOverruleDetection(t *testing.T) {
	r := openText(t, "1;2\n3;4\n", Options{Delimiter: ',', NoHeader: true})
	if rows, _ := table(r); !slices.Equal(rows, []string{"1;2", "3;4"}) || r.Header()[0] != "column 1" {
		t.Errorf("%q %q", r.Header(), rows)
	}
	r = openText(t, "n\xe1zev\n\xe8\n", Options{Encoding: "Windows-1251"})
	if rows, _ := table(r); r.Header()[0] != "nбzev" || rows[0] != "и" {
		t.Errorf("%q %q", r.Header(), rows)
	}
	for _, o := range []Options{{Encoding: "ebcdic"}, {Delimiter: '"'}, {Delimiter: '\n'}, {Delimiter: 0xc3}} {
		if _, err := OpenFrom(context.Background(), strings.NewReader("a,b\n"), 4, o); !errs.Is(err, errs.Invalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestHeaderIsMadeUsable(t *testing.T) {
	r := openText(t, "name, name ,,Total  sum,name (2),\n1,2,3,4,5,6\n", Options{})
	want := []string{"name", "name (2)", "column 3", "Total sum", "name (2) (2)", "column 6"}
	if !slices.Equal(r.Header(), want) || len(r.Notices()) != 2 {
		t.Errorf("%q %q", r.Header(), r.Notices())
	}
	r = openText(t, "1001,ann@x.com\n1002,bob@y.com\n", Options{})
	if len(r.Notices()) != 1 || !strings.Contains(testkit.Sentence(r.Notices()[0]), "looks like data") {
		t.Errorf("%q", r.Notices())
	}
}

var languages = map[string]struct{ encoding, text string }{
	"Czech":      {win1250, "jméno;město;poznámka\nJiří Dvořák;Plzeň;objednávka čaje, doručit ve středu\nŽofie Nováčková;Ústí nad Labem;kůň\nVěra;Kroměříž;příště\n"},
	"Polish":     {win1250, "imię;miasto\nGrażyna Wójcik;Łódź\nPaweł Dąbrowski;Gdańsk\nStanisław;Święta\n"},
	"Hungarian":  {win1250, "név;város\nErdős Gergő;Győr\nSzűcs Ágnes;Hódmezővásárhely\n"},
	"Slovak":     {win1250, "meno;mesto\nĽubica Šťastná;Košice\nTomáš Kováč;Žilina\nĎurica;Levoča\n"},
	"French":     {win1252, "prénom;ville;note\nHélène;Besançon;crème brûlée à côté\nFrançois;Genève;où, très, bête\n"},
	"German":     {win1252, "Straße;Stadt\nGrößmannstraße;München\nKäthe;Köln\n"},
	"Spanish":    {win1252, "nombre;ciudad\nMuñoz;A Coruña\nJosé Ibáñez;Málaga\n"},
	"Italian":    {win1252, "città;nota\nForlì;perché è così\nCantù;caffè, più\n"},
	"Danish":     {win1252, "navn;by\nSøren Kjær;København\nJørgensen;Ålborg\n"},
	"Portuguese": {win1252, "nome;cidade\nJoão Conceição;São Paulo\nCamões;Guimarães\n"},
	"Russian":    {win1251, "имя;город\nАнна Петрова;Москва\nИван;Нижний Новгород\n"},
	"Bulgarian":  {win1251, "име;град;имейл\nГеорги Иванов;София;g@x.bg\nЩерю;Търново;s@y.bg\n"},
}

func TestEncodingsAreDetected(t *testing.T) {
	maps := map[string]*charmap.Charmap{win1250: charmap.Windows1250, win1251: charmap.Windows1251, win1252: charmap.Windows1252}
	for language, c := range languages {
		utf16le, err := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder().String(c.text)
		if err != nil {
			t.Fatal(err)
		}
		utf16be, _ := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder().String(c.text)
		page, err := maps[c.encoding].NewEncoder().String(c.text)
		if err != nil {
			t.Fatal(language, err)
		}
		want, _ := table(openText(t, c.text, Options{}))
		header := openText(t, c.text, Options{}).Header()
		for text, encoding := range map[string]string{
			c.text: utf8Name, "\ufeff" + c.text: utf8Name, page: c.encoding,
			"\xff\xfe" + utf16le: utf16leName, "\xfe\xff" + utf16be: utf16beName,
		} {
			r := openText(t, text, Options{})
			rows, err := table(r)
			if r.Format().Encoding != encoding || err != nil || !slices.Equal(rows, want) || !slices.Equal(r.Header(), header) {
				t.Errorf("%s in %s: taken for %s: %q %v", language, encoding, r.Format().Encoding, rows, err)
			}
		}
	}
	plain, _ := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder().String("name,city\nAnn,Košice\n")
	if r := openText(t, plain, Options{}); r.Format().Encoding != utf16leName || r.Header()[1] != "city" {
		t.Errorf("UTF-16 without a mark: %+v %q", r.Format(), r.Header())
	}
}

func TestAccentFarDownIsSeen(t *testing.T) {
	lines := strings.Repeat("1001,plain,row\n", 100_000)
	text := "id,city,note\n" + lines + strings.Repeat("1002,Plze\xf2,\xe8aj\n", 20_000)
	r, err := OpenFrom(context.Background(), strings.NewReader(text), int64(len(text)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Format().Encoding != win1250 {
		t.Errorf("taken for %s", r.Format().Encoding)
	}
}

func TestPackedTablesAreRead(t *testing.T) {
	text := "a,b\n1,2\n3,4\n"
	book := workbook(t, `<row><c t="str"><v>a</v></c><c t="str"><v>b</v></c></row><row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c><c><v>4</v></c></row>`)
	cases := map[string][]byte{
		"gzip":      gzipped(t, []byte(text)),
		"zstd":      zstandard(t, []byte(text)),
		"zip":       zipped(t, "__MACOSX/._a.csv", "x", "folder/", "", "folder/a.csv", text),
		"zip+gzip":  zipped(t, "a.csv.gz", string(gzipped(t, []byte(text)))),
		"":          book,
		"gzip+zstd": gzipped(t, zstandard(t, []byte(text))),
	}
	cases["gzip of a workbook"] = gzipped(t, book)
	cases["two members"] = append(gzipped(t, []byte("a,b\n1,2\n")), gzipped(t, []byte("3,4\n"))...)
	for packing, data := range cases {
		for _, src := range []io.Reader{bytes.NewReader(data), io.MultiReader(bytes.NewReader(data))} {
			size := int64(len(data))
			if _, ok := src.(io.ReaderAt); !ok {
				size = -1
			}
			r, err := OpenFrom(context.Background(), src, size, Options{})
			if err != nil {
				t.Errorf("%s: %v", packing, err)
				continue
			}
			rows, err := table(r)
			if err != nil || !slices.Equal(rows, []string{"1|2", "3|4"}) || !slices.Equal(r.Header(), []string{"a", "b"}) {
				t.Errorf("%s: %q %v", packing, rows, err)
			}
			if !strings.Contains(packing, " ") && r.Format().Packing != packing {
				t.Errorf("%s was taken for %q", packing, r.Format().Packing)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestCancelledReadingEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	r, err := OpenFrom(ctx, &endless{head: "a,b\n", piece: "1,2\n", left: 1 << 40}, -1, Options{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := table(r); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := r.Scan(2, func(int, RowBytes) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestScanGivesWhatNextGivesForEveryKindOfFile(t *testing.T) {
	for _, file := range []string{"online_retail.csv.zst", "cdnow_master.txt", "testdata/orders.xlsx", "testdata/orders-1250.csv", "testdata/orders-utf16.csv"} {
		path := file
		if !strings.HasPrefix(file, "testdata/") {
			path = testkit.Data(t, file)
		}
		one, err := Open(context.Background(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		bytes, lines, rows := int64(0), int64(0), 0
		for {
			row, err := one.Next()
			if err == io.EOF {
				break
			}
			rows, lines = rows+1, lines+int64(row.Line)
			for _, c := range row.Cells {
				bytes += int64(len(c))
			}
		}
		one.Close()
		many, err := Open(context.Background(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		type sums struct {
			bytes, lines int64
			rows         int
		}
		var got [2]sums
		err = many.Scan(2, func(worker int, row RowBytes) error {
			s := &got[worker]
			s.rows, s.lines = s.rows+1, s.lines+int64(row.Line)
			for _, c := range row.Cells {
				s.bytes += int64(len(c))
			}
			return nil
		})
		if all := (sums{got[0].bytes + got[1].bytes, got[0].lines + got[1].lines, got[0].rows + got[1].rows}); err != nil || all != (sums{bytes, lines, rows}) {
			t.Errorf("%s: Next gives %+v, Scan %+v %v", file, sums{bytes, lines, rows}, all, err)
		}
		many.Close()
	}
}

func TestScanEndsWithTheFirstErrorOfItsFunction(t *testing.T) {
	r := openText(t, strings.Repeat("a,b\n", 2_000_000), Options{})
	enough := errors.New("enough")
	if err := r.Scan(2, func(worker int, row RowBytes) error {
		if row.Line > 500_000 {
			return enough
		}
		return nil
	}); err != enough {
		t.Errorf("got %v", err)
	}
}
