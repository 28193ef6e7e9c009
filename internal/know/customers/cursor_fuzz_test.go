package customers

import (
	"testing"

	"regulars/internal/platform/errs"
)

func FuzzReadCursor(f *testing.F) {
	for _, sort := range Sorts {
		f.Add(sort, writeCursor(sort, Listed{Customer: Customer{ID: 42, JoinedDay: "2026-03-02"}, SortName: "anna", LastOrderDay: "2026-03-01"}))
	}
	f.Add("name", "x")
	f.Fuzz(func(t *testing.T, sort, cursor string) {
		if _, _, err := readCursor(sort, cursor); err != nil && (!errs.Is(err, errs.Invalid) || errs.FieldOf(err) != "after") {
			t.Errorf("%q by %s: %v", cursor, sort, err)
		}
	})
}
