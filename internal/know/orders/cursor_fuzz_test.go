package orders

import (
	"testing"
	"time"

	"regulars/internal/platform/errs"
)

func FuzzReadCursor(f *testing.F) {
	f.Add(writeCursor(time.Unix(1, 0).UnixMicro(), 42))
	f.Add(writeCursor(-7, 42))
	f.Add("1.")
	f.Fuzz(func(t *testing.T, cursor string) {
		if _, _, err := readCursor(cursor); err != nil && (!errs.Is(err, errs.Invalid) || errs.FieldOf(err) != "after") {
			t.Errorf("%q: %v", cursor, err)
		}
	})
}
