package importers_test

import (
	"encoding/csv"
	"io"
	"os"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// BenchmarkImport brings the 541,909 lines of Online Retail in with all that
// follows from them. Beside rows a second it prints how many times as long as
// encoding/csv takes to read the same file, which holds on any machine.
func BenchmarkImport(b *testing.B) {
	path := testkit.Data(b, "online_retail.csv.zst")
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			var took, read time.Duration
			rows := int64(0)
			for b.Loop() {
				b.StopTimer()
				read += readPlain(b, path)
				db := testkit.Open(b, testkit.DSN(b, engine), store.Options{Exclusive: true})
				b.StartTimer()
				started := time.Now()
				rows += bring(b, db, path).Position
				took += time.Since(started)
			}
			b.ReportMetric(float64(rows)/took.Seconds(), "rows/s")
			b.ReportMetric(took.Seconds()/read.Seconds(), "x-of-encoding/csv")
		})
	}
}

// readPlain is the baseline: the file read by encoding/csv and nothing done.
func readPlain(b *testing.B, path string) time.Duration {
	b.Helper()
	started := time.Now()
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	defer z.Close()
	r := csv.NewReader(z)
	r.ReuseRecord, r.FieldsPerRecord = true, -1
	for {
		if _, err := r.Read(); err == io.EOF {
			return time.Since(started)
		} else if err != nil {
			b.Fatal(err)
		}
	}
}
