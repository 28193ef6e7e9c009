package sheet

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func data(t *testing.T, name string) string {
	dir := os.Getenv("REGULARS_DATA")
	if dir == "" {
		dir = "../../../../shared/data"
	}
	p := filepath.Join(dir, name)
	if _, err := os.Stat(p); err != nil {
		t.Skip("no data")
	}
	return p
}

func TestReal(t *testing.T) {
	for _, n := range []string{"online_retail.csv.zst", "cdnow_master.txt"} {
		r, err := Open(context.Background(), data(t, n), Options{})
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		var last Row
		for {
			row, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			rows++
			last = row
		}
		d, tot := r.Progress()
		t.Logf("%+v %q %d rows, last %+v, %d/%d", r.Format(), r.Header(), rows, last, d, tot)
		r.Close()
	}
}
