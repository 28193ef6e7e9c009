package sheet

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// benchFile is a plain CSV of about a gigabyte (of 64 MB with -short), made once
// a run: orders of twelve columns, one row in fifty with quoted cells.
func benchFile(b *testing.B) (path string, size int64) {
	b.Helper()
	want := int64(1 << 30)
	if testing.Short() {
		want = 64 << 20
	}
	var piece bytes.Buffer
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := 0; piece.Len() < 4<<20; i++ {
		note := "none"
		if i%50 == 0 {
			note = "\"left at the door, \"\"as asked\"\"\nthank you\""
		}
		fmt.Fprintf(&piece, "%d,c%07d,2024-%02d-%02d 10:%02d:00,%d.%02d,EUR,paid,card,SKU-%05d,%d,CZ,%s,web\n",
			1000000+i, rnd.IntN(1000000), 1+rnd.IntN(12), 1+rnd.IntN(28), rnd.IntN(60), rnd.IntN(500), rnd.IntN(100), rnd.IntN(99999), 1+rnd.IntN(5), note)
	}
	path = filepath.Join(b.TempDir(), "orders.csv")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	fmt.Fprintln(f, "order,customer,placed,total,currency,status,method,sku,quantity,country,note,channel")
	for size < want {
		n, err := f.Write(piece.Bytes())
		if err != nil {
			b.Fatal(err)
		}
		size += int64(n)
	}
	return path, size
}

// BenchmarkRows compares reading all rows of one file: encoding/csv as it is
// fastest, Next, and Scan on one, two and four workers.
func BenchmarkRows(b *testing.B) {
	path, size := benchFile(b)
	b.Run("encoding/csv", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			r := csv.NewReader(f)
			r.ReuseRecord = true
			rows := int64(0)
			for {
				if _, err := r.Read(); err == io.EOF {
					break
				} else if err != nil {
					b.Fatal(err)
				}
				rows++
			}
			f.Close()
			report(b, rows-1)
		}
	})
	b.Run("Next", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			r, err := Open(context.Background(), path, Options{})
			if err != nil {
				b.Fatal(err)
			}
			rows := int64(0)
			for {
				if _, err := r.Next(); err == io.EOF {
					break
				} else if err != nil {
					b.Fatal(err)
				}
				rows++
			}
			r.Close()
			report(b, rows)
		}
	})
	for _, workers := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("Scan on %d", workers), func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				r, err := Open(context.Background(), path, Options{})
				if err != nil {
					b.Fatal(err)
				}
				var rows [8]struct {
					atomic.Int64
					_ [56]byte
				}
				err = r.Scan(workers, func(worker int, row RowBytes) error {
					rows[worker].Add(1)
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				all := int64(0)
				for i := range rows {
					all += rows[i].Load()
				}
				r.Close()
				report(b, all)
			}
		})
	}
}

func report(b *testing.B, rows int64) {
	b.ReportMetric(float64(rows), "rows/op")
}
