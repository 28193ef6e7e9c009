package orders

import (
	"testing"
	"time"

	"regulars/internal/platform/errs"
)

func FuzzReadCursor(f *testing.F) {
	f.Add((&Order{ID: 42, At: time.Unix(1, 0)}).cursor("placed"))
	f.Add((&Order{ID: 42, Base: -7}).cursor("total"))
	f.Add("1.")
	f.Fuzz(func(t *testing.T, cursor string) {
		if _, _, err := readCursor(cursor); err != nil && (!errs.Is(err, errs.Invalid) || errs.FieldOf(err) != "after") {
			t.Errorf("%q: %v", cursor, err)
		}
	})
}
