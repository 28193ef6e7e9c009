package importers_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"regulars/internal/doors/importers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// source opens a file anew as often as it is asked.
type source func() (io.Reader, int64)

func of(body []byte) source {
	return func() (io.Reader, int64) { return bytes.NewReader(body), int64(len(body)) }
}

// read imports a file straight from its source.
func read(t testing.TB, db *store.DB, from source, s importers.Settings) (importers.Import, error) {
	t.Helper()
	open := func(ctx context.Context) (*sheet.Reader, error) {
		r, size := from()
		return sheet.OpenFrom(ctx, r, size, sheet.Options{})
	}
	var i id.Import
	testkit.Do(t, db, func(tx *store.Tx) (err error) {
		i, err = importers.Create(t.Context(), tx, importers.Import{File: "file", Settings: s})
		return err
	})
	err := importers.Run(t.Context(), db, i, open, nil)
	return state(t, db, i), err
}

var plainSettings = importers.Settings{Layout: importers.Mapping, Columns: map[importers.Field]string{
	importers.Order: "Order", importers.Date: "Date", importers.Email: "Email", importers.Product: "Product", importers.Total: "Total"}}

const plainHeader = "Order,Date,Email,Product,Total\n"

const good = "1,2026-01-05,a@example.com,Guji,10.00\n2,2026-01-06,b@example.com,Mug,12.00\n"

func packed(t testing.TB, body string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, body); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return b.Bytes()
}

// bomb is a workbook of some kilobytes whose sheet unpacks to 300 MB of
// nothing.
func bomb(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, body := range map[string]string{
		"[Content_Types].xml":        `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>`,
		"_rels/.rels":                `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml":            `<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
	} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, body)
	}
	w, err := z.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, `<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">`)
	for i, name := range strings.Split(strings.TrimSpace(plainHeader), ",") {
		fmt.Fprintf(w, `<c r="%c1" t="inlineStr"><is><t>%s</t></is></c>`, 'A'+i, name)
	}
	_, _ = io.WriteString(w, `</row>`)
	blank := bytes.Repeat([]byte(" "), 1<<20)
	for range 300 {
		_, _ = w.Write(blank)
	}
	z.Close()
	return b.Bytes()
}

func TestAFileThatIsAtFaultIsExplainedAndNothingBeforeTheFaultIsLost(t *testing.T) {
	cut := packed(t, plainHeader+good+manyTotals(3000))
	type fault struct {
		body  []byte
		says  string
		kept  int64 // orders at least
		state importers.State
	}
	faults := map[string]fault{
		"nothing":        {nil, "empty", 0, importers.Failed},
		"blank":          {[]byte("\n\n \n"), "", 0, importers.Failed},
		"binary":         {append([]byte("\x7fELF\x02\x01\x01\x00"), bytes.Repeat([]byte{0, 1, 2, 250}, 4000)...), "table", 0, importers.Failed},
		"breaks off":     {cut[:len(cut)*3/4], "breaks off", 1000, importers.Failed},
		"10,000 columns": {[]byte(strings.Repeat("a,", 9_999) + "b\n" + strings.Repeat("1,", 9_999) + "2\n"), "columns", 0, importers.Failed},
		"other columns":  {[]byte("Number,Day\n1,2026-01-01\n"), "has no column called", 0, importers.Failed},
	}
	if !testing.Short() {
		faults["a long line"] = fault{[]byte(plainHeader + good + strings.Repeat("x", 64<<20) + good), "longer than 4 MB", 2, importers.Failed}
		faults["a bomb"] = fault{bomb(t), "unpacks to", 0, importers.Failed}
	}
	for name, c := range faults {
		t.Run(name, func(t *testing.T) {
			db := testkit.DB(t)
			settle(t, db)
			im, err := read(t, db, of(c.body), plainSettings)
			if err == nil || errs.Is(err, errs.Internal) || !strings.Contains(testkit.Sentence(err), c.says) {
				t.Errorf("it says %v, want %q", err, c.says)
			}
			if im.State != c.state || !strings.Contains(testkit.Sentence(im.Failure), c.says) {
				t.Errorf("the import is %s: %q", im.State, im.Failure)
			}
			if n := number(t, db, `select count(*) from orders`); n < c.kept {
				t.Errorf("%d orders are in, want at least %d", n, c.kept)
			}
		})
	}
}

func manyTotals(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d,2026-01-%02d,c%d@example.com,Product %d,%d.%02d\n", 1000+i, 1+i%28, i%500, i%30, 5+i%40, i%100)
	}
	return b.String()
}

func TestABadRowIsLeftOutWithItsReasonAndTheOthersAreIn(t *testing.T) {
	for name, c := range map[string]struct{ row, column, says string }{
		"2026-02-31 does not exist": {"9,2026-02-31,x@example.com,Mug,5\n", "Date", "2026-02-31 does not exist"},
		"1e400":                     {"9,2026-02-01,x@example.com,Mug,1e400\n", "Total", ""},
		"a huge amount":             {"9,2026-02-01,x@example.com,Mug,99999999999999999999999\n", "Total", ""},
		"no date":                   {"9,,x@example.com,Mug,5\n", "Date", "no date"},
		"no amount":                 {"9,2026-02-01,x@example.com,Mug,\n", "Total", "no amount"},
		"no email":                  {"9,2026-02-01,not an address,Mug,5\n", "Email", "no email address"},
		"NUL":                       {"9,2026-02-01,x@example.com,M\x00g,5\n", "", "NUL"},
		"a year of the moon":        {"9,9999-02-01,x@example.com,Mug,5\n", "Date", ""},
		"a rounded number":          {"7.21045E+12,2026-02-01,x@example.com,Mug,5\n", "", ""},
		"too many decimals":         {"9,2026-02-01,x@example.com,Mug,1.23456789012345678901234567890\n", "Total", ""},
		"an order of a dash":        {"9,2026-02-01,x@example.com,Mug,-\n", "Total", ""},
		"a total of infinity":       {"9,2026-02-01,x@example.com,Mug,Infinity\n", "Total", ""},
	} {
		t.Run(name, func(t *testing.T) {
			db := testkit.DB(t)
			settle(t, db)
			im, err := read(t, db, of([]byte(plainHeader+manyTotals(50)+c.row+good+"3,2026-01-06,c@example.com,Kávovar žluťoučký 커피,12.00\n")), plainSettings)
			if err != nil || im.State != importers.Complete {
				t.Fatalf("the import is %s %s: %v", im.State, im.Failure, err)
			}
			bad, err := importers.BadLines(t.Context(), db, im.ID, 0, 10)
			if err != nil {
				t.Fatal(err)
			}
			if name == "too many decimals" || name == "a rounded number" {
				if len(bad) > 1 {
					t.Errorf("%+v", bad)
				}
			} else if len(bad) != 1 || bad[0].Line != 52 || bad[0].Column != c.column || !strings.Contains(testkit.Sentence(bad[0].Reason), c.says) {
				t.Errorf("left out: %.300v, want line 52, column %q: %q", bad, c.column, c.says)
			}
			if n := number(t, db, `select count(*) from orders where number in ('1', '2', '1000', '1049')`); n != 4 {
				t.Errorf("%d of the good orders are in", n)
			}
		})
	}
}

// endless is a header and one line of a gigabyte.
type endless struct{ head, left int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.head < int64(len(plainHeader)) {
		n := copy(p, plainHeader[e.head:])
		e.head += int64(n)
		return n, nil
	}
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), e.left)
	for i := range p[:n] {
		p[i] = 'x'
	}
	e.left -= n
	return int(n), nil
}

func TestOneLineOfAGigabyteCostsNoGigabyte(t *testing.T) {
	if testing.Short() {
		t.Skip("a gigabyte")
	}
	db := testkit.DB(t)
	settle(t, db)
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	var most uint64
	stop := make(chan bool)
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	im, err := read(t, db, func() (io.Reader, int64) { return &endless{left: 1 << 30}, -1 }, plainSettings)
	close(stop)
	watch.Wait()
	if most -= min(most, before.HeapAlloc); most > 100<<20 {
		t.Errorf("it cost %d MB", most>>20)
	}
	if err == nil && im.Counts.Bad != 1 {
		t.Errorf("the import is %s with %+v", im.State, im.Counts)
	}
	if err != nil && !errs.Is(err, errs.Invalid) {
		t.Error(err)
	}
}

func TestAFormulaInACellStaysText(t *testing.T) {
	db := testkit.DB(t)
	settle(t, db)
	h := build(t, db)
	body := plainHeader + "1,2026-01-05,a@example.com,\"=HYPERLINK(\"\"http://evil.example\"\";\"\"x\"\")\",10.00\n2,2026-02-31,a@example.com,=1+1,5\n"
	im, err := read(t, db, of([]byte(body)), plainSettings)
	if err != nil {
		t.Fatal(err)
	}
	if name := text(t, db, `select name from products`); name != `=HYPERLINK("http://evil.example";"x")` {
		t.Errorf("the product is called %s", name)
	}
	if p := pageOf(t, h, "/imports/"+im.ID.String()+"/errors/export"); !strings.Contains(p, ",'=1+1,") {
		t.Errorf("the file to be mended runs a formula: %s", p)
	}
}

func TestTheSameFileTwiceChangesNothing(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		settle(t, db)
		file := anySales(100, 200)
		begin(t, db, file)
		work(t, db)
		before := contents(t, db)
		again := begin(t, db, file)
		work(t, db)
		same(t, "the same file again", before, contents(t, db))
		if c := state(t, db, again).Counts; c.New != 0 || c.Changed != 0 || c.Lines != 0 || c.Customers != 0 || c.Same == 0 {
			t.Errorf("it counts %+v", c)
		}
	})
}

func TestAnOrderWhoseLinesLieFarApartIsOneOrderWithoutNoise(t *testing.T) {
	if testing.Short() {
		t.Skip("its size is the point")
	}
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		settle(t, db)
		header := "Order,Date,Email,Product,Quantity,Price\n"
		line := "A,2026-01-05,a@example.com,%s,1,%s\n"
		var b strings.Builder
		b.WriteString(header + fmt.Sprintf(line, "Guji", "8.50"))
		for i := range 5000 { // more than a slice
			fmt.Fprintf(&b, "%d,2026-01-06,c%d@example.com,Mug,1,4\n", i, i%50)
			if i == 2500 {
				fmt.Fprintf(&b, line, "Filter", "much") // left out
			}
		}
		b.WriteString(fmt.Sprintf(line, "Guji", "8.50") + fmt.Sprintf(line, "Mug", "none"))
		i := begin(t, db, b.String())
		work(t, db)
		im := state(t, db, i)
		if im.State != importers.Complete || im.Counts.Bad != 2 || im.Counts.New != 5001 {
			t.Fatalf("the import is %s %s with %+v", im.State, im.Failure, im.Counts)
		}
		if n := number(t, db, `select lines_minor from orders where number = 'A'`); n != 1700 {
			t.Errorf("the order comes to %d, want 17.00", n)
		}
		if n := number(t, db, `select count(*) from events where kind = 'order.amended'`); n != 0 {
			t.Errorf("%d events tell that an order was amended", n)
		}
	})
}

func TestAnOrderWhoseLastRowsAreBadIsNotLost(t *testing.T) {
	db := testkit.DB(t)
	settle(t, db)
	i := begin(t, db, "Order,Date,Email,Product,Quantity,Price\nA,2026-01-05,a@example.com,Guji,1,8\nB,2026-01-05,b@example.com,Guji,1,8\nA,2026-01-05,a@example.com,Mug,1,bad\n")
	work(t, db)
	if im := state(t, db, i); im.Counts.New != 2 || im.Counts.Customers != 2 || im.Counts.Bad != 1 {
		t.Errorf("%+v, want both orders", im.Counts)
	}
}

func TestTwoWorkersOnOneImportDoNotBothGoOn(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		settle(t, db)
		file := manySales(3000, 0)
		i := begin(t, db, file)
		open := func(ctx context.Context) (*sheet.Reader, error) {
			return sheet.OpenFrom(ctx, strings.NewReader(file), int64(len(file)), sheet.Options{})
		}
		var both sync.WaitGroup
		results := make([]error, 3)
		for n := range results {
			both.Go(func() { results[n] = importers.Run(t.Context(), db, i, open, nil) })
		}
		both.Wait()
		fine := 0
		for _, err := range results {
			if err == nil {
				fine++
			} else if !errs.Is(err, errs.Conflict) {
				t.Error(err)
			}
		}
		work(t, db)
		if fine > 1 {
			t.Errorf("%d of them say that they did it", fine)
		}
		whole(t, db, ordersAsTold(t, file))
		if c := state(t, db, i).Counts; c.New != 3000 || c.Same != 0 {
			t.Errorf("counted %+v, want 3,000 new orders, each brought in once", c)
		}
	})
}

func TestUploadsThatNobodyGoesOnWithAreTidiedUp(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		settle(t, db)
		tidy := func() {
			for _, k := range importers.Jobs(db, tables) {
				if k.Name == "imports.tidy" {
					if err := k.Do(t.Context(), nil); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		stopped := begin(t, db, manySales(20, 0))
		testkit.Do(t, db, func(tx *store.Tx) error { return importers.Stop(t.Context(), tx, 0, stopped) })
		if _, err := importers.Spool(t.Context(), db, importers.Import{File: "waits"}, strings.NewReader(good)); err != nil {
			t.Fatal(err)
		}
		testkit.Do(t, db, func(tx *store.Tx) error { // its upload broke off with the server
			return importers.AddPart(t.Context(), tx, id.Import(tx.NewID()), 0, []byte("half a file"))
		})
		tidy()
		if n := number(t, db, `select count(distinct import_id) from import_files`); n != 3 {
			t.Errorf("%d files are kept on the first day, want all 3", n)
		}
		clock.Advance(8 * 24 * time.Hour)
		tidy()
		if n := number(t, db, `select count(distinct import_id) from import_files`); n != 1 {
			t.Errorf("%d files are kept after a week, want that of the stopped import", n)
		}
		if n := number(t, db, `select count(*) from imports`); n != 1 {
			t.Errorf("%d imports are listed", n)
		}
		clock.Advance(30 * 24 * time.Hour)
		tidy()
		testkit.Do(t, db, func(tx *store.Tx) error { return importers.Start(t.Context(), tx, 0, stopped) })
		work(t, db)
		if im := state(t, db, stopped); im.State != importers.Failed || !strings.Contains(testkit.Sentence(im.Failure), "Upload it again") {
			t.Errorf("the import is %s: %s", im.State, im.Failure)
		}
	})
}

func TestAnImportWhoseWorkWasCancelledIsTakenUpAgainAtNight(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		settle(t, db)
		i := begin(t, db, manySales(20, 0))
		night := func() {
			for _, k := range importers.Jobs(db, tables) {
				if k.Name == "imports.tidy" {
					if err := k.Do(t.Context(), nil); err != nil {
						t.Fatal(err)
					}
				}
			}
			work(t, db)
		}
		for _, c := range []struct {
			begun func(tx *store.Tx) error
			want  importers.State
		}{
			{func(*store.Tx) error { return nil }, importers.Complete},
			{func(tx *store.Tx) error { return importers.Undo(t.Context(), tx, 0, i) }, importers.Undone},
		} {
			testkit.Do(t, db, func(tx *store.Tx) error {
				if err := c.begun(tx); err != nil {
					return err
				}
				_, err := tx.Exec(t.Context(), `delete from jobs where kind in ('imports.run', 'imports.undo')`)
				return err
			})
			night()
			if im := state(t, db, i); im.State != c.want {
				t.Errorf("the import is %s, want %s", im.State, c.want)
			}
		}
	})
}

func TestABadRowIsMendedWhereItStandsWhateverTheDelimiter(t *testing.T) {
	db := testkit.DB(t)
	settle(t, db)
	h := build(t, db)
	body := strings.ReplaceAll(plainHeader+good, ",", ";") + "3;2026-01-07;c@example.com;M\x00g;5,00\n"
	im, err := read(t, db, of([]byte(body)), plainSettings)
	if err != nil {
		t.Fatal(err)
	}
	if got := pageOf(t, h, "/imports/"+im.ID.String()+"/errors/export"); !strings.Contains(got, "\n3,2026-01-07,c@example.com,Mg,\"5,00\",4,") {
		t.Errorf("to be mended: %q", got)
	}
}

func TestAnUploadThatBreaksOffLeavesNothing(t *testing.T) {
	db := testkit.DB(t)
	body := io.MultiReader(strings.NewReader(strings.Repeat("x", 5<<20)), failing{})
	if _, err := importers.Spool(t.Context(), db, importers.Import{File: "x"}, body); !errs.Is(err, errs.Invalid) {
		t.Error(err)
	}
	if n := number(t, db, `select (select count(*) from import_files) + (select count(*) from imports)`); n != 0 {
		t.Errorf("%d rows are kept", n)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestAnOrderTooLargeIsLeftOutWithAllItsRowsAndTheOthersAreIn(t *testing.T) {
	if testing.Short() {
		t.Skip("its size is the point")
	}
	var file strings.Builder
	file.WriteString("Order,Date,Email,Product,Qty,Price\n")
	for i := range 1500 {
		fmt.Fprintf(&file, "A%d,2026-01-05,a%d@example.com,Tea,1,4.50\n", i, i)
		if i == 700 {
			file.WriteString("B1,2026-01-05,b@example.com,Gold,1,92233720368547758\nB1,2026-01-05,b@example.com,=Tea,1,1\n")
		}
	}
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		im, err := read(t, db, of([]byte(file.String())), importers.Settings{Layout: importers.Mapping, Columns: map[importers.Field]string{
			importers.Order: "Order", importers.Date: "Date", importers.Email: "Email", importers.Product: "Product",
			importers.Quantity: "Qty", importers.Price: "Price"}})
		if err != nil || im.Counts.New != 1500 || im.Counts.Bad != 2 {
			t.Fatalf("counted %+v, %v; want 1,500 orders and the two rows of the other", im.Counts, err)
		}
		var out strings.Builder
		w := csv.NewWriter(&out)
		header := []string{"Order", "Date", "Email", "Product", "Qty", "Price"}
		if err := importers.WriteErrors(t.Context(), db, im.ID, header, testkit.English(), w); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		for _, want := range []string{"B1,2026-01-05,b@example.com,Gold,1,92233720368547758,703,", "B1,2026-01-05,b@example.com,'=Tea,1,1,704,"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s is missing, so it cannot be mended: %s", want, out.String())
			}
		}
	})
}
