package sheet

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

// outcome is a row or an error with its place, as text that can be compared.
func outcome(line int, cells []string, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %q", line, cells)
}

func place(start, line, column int) string {
	return fmt.Sprintf("row %d: line %d, column %d", start, line, column)
}

// standard reads with encoding/csv until the end or an unclosed quote.
func standard(data []byte, delim byte) (out []string) {
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.FieldsPerRecord = rune(delim), -1
	for {
		cells, err := r.Read()
		if err == io.EOF {
			return out
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			out = append(out, place(bad.StartLine, bad.Line, bad.Column))
			continue
		}
		line, _ := r.FieldPos(0)
		out = append(out, outcome(line, cells, nil))
	}
}

// ours reads the same through pieces of the data, as the source does.
func ours(data []byte, delim byte) (out []string) {
	src := &textSource{r: iotestHalf{bytes.NewReader(data)}, cutter: cutter{delim: delim, columns: 1 << 20}, limit: 1 << 30, line: 1}
	b := &batch{}
	for {
		b.reset()
		err := src.fill(b)
		for i := range b.rows {
			if bad := b.rows[i].bad; bad != nil {
				if bad.Column > 0 {
					out = append(out, place(bad.Line, bad.At, bad.Column))
				} else {
					out = append(out, outcome(bad.Line, cellsAsText(b.cells), nil))
				}
				continue
			}
			out = append(out, outcome(b.rows[i].line, cellsAsText(b.rowCells(i)), nil))
		}
		var open *OpenQuoteError
		if errors.As(err, &open) {
			return append(out, place(open.Line, open.At, open.Column))
		}
		if err != nil {
			return out
		}
	}
}

func cellsAsText(cells [][]byte) (out []string) {
	for _, c := range cells {
		out = append(out, string(c))
	}
	return out
}

// iotestHalf reads little at a time, so that rows are cut anywhere.
type iotestHalf struct{ r io.Reader }

func (h iotestHalf) Read(p []byte) (int, error) { return h.r.Read(p[:min(len(p), 7)]) }

var csvCases = []string{
	"", "\n", "\r\n", "\r", "a", "a,b", "a,b\n", "a,b\r\nc,d", "a,b\r", ",", ",\n,", "\n\na\n\n\nb",
	`"a"`, `"a","b"`, "\"a\nb\",c\nd", "\"a\r\nb\",c\r\nd,\"\"\r\n", `"a""b",c`, `"",""`, `""""`,
	`a"b,c`, "x\na\"b,c\nd", `"a"b,c`, "1\n\"a\"b,c\n2", `"a`, "1\n\"a\nb\n", "1\n\"a\r", "\"a\"\r", "\"a\n\r",
	"a,\"b\nc\"d,e\nf", "a\r\r\nb", "a,b\rc\nd", "12345678,12345678\n1234567,1234567,\n", ",,,,,,,,,,,,,,,,,\n", "a;b\tc|d",
	"\"a\n\n\nb\"\nc", "\"x\"\n\"y\"\n\"z\"", "a,\"b\"\r\n\"c\"\r\nd,\"e\r\n\r\nf\"",
}

func TestRowsAreThoseOfTheStandardLibrary(t *testing.T) {
	for _, text := range csvCases {
		want, got := standard([]byte(text), ','), ours([]byte(text), ',')
		if !slices.Equal(want, got) {
			t.Errorf("%q:\n want %v\n  got %v", text, want, got)
		}
	}
}

func FuzzRowsAreThoseOfTheStandardLibrary(f *testing.F) {
	for _, text := range csvCases {
		f.Add([]byte(text), uint8(0))
	}
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		if bytes.IndexByte(data, 0) >= 0 || !utf8Valid(data) {
			t.Skip()
		}
		delim := []byte(",;\t|")[which%4]
		if want, got := standard(data, delim), ours(data, delim); !slices.Equal(want, got) {
			t.Errorf("%q:\n want %v\n  got %v", data, want, got)
		}
	})
}

func FuzzScanGivesTheRowsOfTheStandardLibraryInOrder(f *testing.F) {
	for i, text := range csvCases {
		f.Add([]byte(strings.Repeat(text+"\n", 5)), uint8(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, how uint8) {
		if bytes.IndexByte(data, 0) >= 0 || !utf8Valid(data) {
			t.Skip()
		}
		want := standard(data, ',')
		src := &textSource{r: bytes.NewReader(data), cutter: cutter{delim: ',', columns: 1 << 20}, limit: 1 << 30, line: 1}
		if got := scanned(t, src, 1+int(how)%3, 1+int(how)%32); !slices.Equal(want, got) {
			t.Errorf("%q:\n want %v\n  got %v", data, want, got)
		}
	})
}

func utf8Valid(data []byte) bool { return strings.ToValidUTF8(string(data), "") == string(data) }

// scanned is what Scan delivers, brought into the order of the file.
func scanned(t testing.TB, src *textSource, workers, block int) (out []string) {
	r := &Reader{ctx: context.Background(), in: &input{}, src: src, batch: &batch{}}
	r.opts.Limits = Limits{}.orDefaults()
	type place2 struct{ chunk, index int }
	found := map[place2]string{}
	var mu sync.Mutex
	err := r.scan(workers, block, func(worker int, row RowBytes) error {
		text := outcome(row.Line, cellsAsText(row.Cells), nil)
		if row.Bad != nil {
			text = place(row.Bad.Line, row.Bad.At, row.Bad.Column)
		}
		mu.Lock()
		defer mu.Unlock()
		if found[place2{row.Chunk, row.Index}] != "" {
			t.Errorf("chunk %d, row %d came twice", row.Chunk, row.Index)
		}
		found[place2{row.Chunk, row.Index}] = text
		return nil
	})
	var keys []place2
	for k := range found {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b place2) int {
		if a.chunk != b.chunk {
			return a.chunk - b.chunk
		}
		return a.index - b.index
	})
	for _, k := range keys {
		out = append(out, found[k])
	}
	var open *OpenQuoteError
	if errors.As(err, &open) {
		return append(out, place(open.Line, open.At, open.Column))
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestScanGivesTheRowsOfTheStandardLibraryInOrder(t *testing.T) {
	unit := "1,\"two\nlines\",3\r\n4,\"a \"\"quoted\"\" word\",6\n7,8,9\n\n"
	cases := map[string]string{
		"many chunks":                 strings.Repeat(unit, 10_000),
		"a stray quote early":         "a\"b,c\n" + strings.Repeat(unit, 6_000),
		"a row of many chunks":        strings.Repeat(unit, 100) + "x,\"" + strings.Repeat("long\n", 60_000) + "\"\n" + strings.Repeat(unit, 6_000),
		"no line end at the end":      strings.Repeat("a,b,c\n", 50_000) + "d,e",
		"a quote open to the end":     strings.Repeat(unit, 6_000) + "\"open\n" + strings.Repeat("a,b\n", 1000),
		"quotes open again and again": strings.Repeat("a,5\" pipe\nb,c\n", 20_000),
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			want := standard([]byte(text), ',')
			for _, workers := range []int{1, 3} {
				src := &textSource{r: strings.NewReader(text), cutter: cutter{delim: ',', columns: 100}, limit: 4 << 20, line: 1}
				got := scanned(t, src, workers, 64<<10)
				if !reflect.DeepEqual(want, got) {
					for i := range min(len(want), len(got)) {
						if want[i] != got[i] {
							t.Fatalf("%d workers, row %d: want %.200s, got %.200s", workers, i, want[i], got[i])
						}
					}
					t.Fatalf("%d workers: want %d rows, got %d", workers, len(want), len(got))
				}
			}
		})
	}
}
