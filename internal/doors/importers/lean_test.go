package importers

import (
	"testing"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/sheet"
)

func FuzzPlainNumbersAreReadAsTheImportReadsThem(f *testing.F) {
	for _, seed := range []string{"12", "-3", "12.50", "0.001", "1,5", "00012", "1.240", "-", ".5", "99999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		for _, mark := range []sheet.Mark{sheet.NoMark, sheet.Point, sheet.Comma} {
			sign := byte('.')
			if mark == sheet.Comma {
				sign = ','
			}
			got, ok := plainNumber([]byte(cell), sign)
			if !ok {
				continue
			}
			want, err := sheet.ParseAmount(cell, mark)
			if err != nil || want.Number != got || want.Currency != "" {
				t.Fatalf("%q with mark %q is %+v, and %+v (%v) to the import", cell, mark, got, want, err)
			}
		}
	})
}

func FuzzPlainDaysAreReadAsTheImportReadsThem(f *testing.F) {
	for _, seed := range []string{"2024-02-29", "2023-02-29", "2024-05-01 10:00", "2024-05-01T23:59:59", "1799-01-01", "2024-00-10", "2024-05-01 24:00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		got, ok := isoDay([]byte(cell))
		if n := len(cell); n == 16 || n == 19 {
			before := []byte(cell[:10] + " 00:00:00"[:n-10])
			if day, iso := isoDay(before); iso && sameIsoDay([]byte(cell), before) && (!ok || got != day) {
				t.Fatalf("%q is taken for the day of %q", cell, before)
			}
		}
		if !ok {
			return
		}
		when, err := sheet.ParseTime(cell, sheet.OrderUnknown)
		if err != nil || when.Zoned {
			t.Fatalf("%q is a plain day, and %+v (%v) to the import", cell, when, err)
		}
		if y, m, d := when.Wall.Date(); got != retention.Day(y, int(m), d) {
			t.Fatalf("%q is day %d, and %s to the import", cell, got, when.Wall)
		}
	})
}
