package sheet

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"regulars/internal/platform/errs"
	"regulars/internal/testkit"
)

// table is what a reader gives, up to a quarter of a million rows: cells joined
// by "|" and errors as text.
func table(r *Reader) (rows []string, err error) {
	for {
		row, err := r.Next()
		var bad *RowError
		switch {
		case err == nil && len(rows) == 250_000:
		case errors.As(err, &bad):
			rows = append(rows, "! "+testkit.Sentence(bad))
		case err == io.EOF:
			return rows, nil
		case err != nil:
			return rows, err
		default:
			rows = append(rows, strings.Join(row.Cells, "|"))
		}
	}
}

func openText(t testing.TB, text string, o Options) *Reader {
	t.Helper()
	r, err := OpenFrom(context.Background(), strings.NewReader(text), int64(len(text)), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// refused is the sentence with which a file is refused while opening or reading.
func refused(t testing.TB, src io.Reader, size int64, o Options) (rows []string, sentence string) {
	t.Helper()
	r, err := OpenFrom(context.Background(), src, size, o)
	if err == nil {
		defer r.Close()
		rows, err = table(r)
	}
	if err == nil {
		t.Fatalf("was not refused: %.200q", rows)
	}
	if !errs.Is(err, errs.Invalid) {
		t.Fatalf("is no sentence for a person: %v", err)
	}
	return rows, testkit.Sentence(err)
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func zstandard(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(data, nil)
}

// zipped makes a zip of name, content, name, content, …
func zipped(t testing.TB, parts ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for i := 0; i < len(parts); i += 2 {
		w, err := z.Create(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, parts[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// workbook makes a workbook of one sheet from the XML inside its sheetData.
func workbook(t testing.TB, rows string, more ...string) []byte {
	t.Helper()
	return zipped(t, append([]string{
		"xl/workbook.xml", `<workbook xmlns:r="r"><sheets><sheet name="One" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="rId1" Type="t/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml", `<?xml version="1.0"?><worksheet><sheetData>` + rows + `</sheetData></worksheet>`,
	}, more...)...)
}

// endless yields head and then piece over and over, up to size bytes.
type endless struct {
	head, piece string
	left        int64
	at          int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) && e.left > 0 {
		if e.head != "" {
			k := copy(p[n:], e.head)
			e.head = e.head[k:]
			n, e.left = n+k, e.left-int64(k)
			continue
		}
		k := copy(p[n:], e.piece[e.at:])
		k = int(min(int64(k), e.left))
		e.at = (e.at + k) % len(e.piece)
		n, e.left = n+k, e.left-int64(k)
	}
	return n, nil
}

// peak is how many bytes more than before were in use while fn ran.
func peak(fn func()) uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	var most atomic.Uint64
	stop, done := make(chan struct{}), make(chan struct{})
	watch := func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if m.HeapInuse > most.Load() {
			most.Store(m.HeapInuse)
		}
	}
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
				watch()
			}
		}
	}()
	fn()
	watch()
	close(stop)
	<-done
	return most.Load() - min(before, most.Load())
}
