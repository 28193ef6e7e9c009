package errs

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"
)

func TestAnErrorIsKeptAndReadAgain(t *testing.T) {
	inner := Wrong("", "sheet.empty")
	for _, err := range []error{
		Wrong("day", "orders.wrong.day"),
		Missing("customers.wrong.gone", "Name", "Ana \"{{.Name}}\"", "Sum", 0.5),
		Clash("", "sheet.wrong.rows", "Count", int64(1)<<60, "Names", []string{"a", "b"}, "Cell", inner),
	} {
		read := Unpack(Pack(fmt.Errorf("read: %w", err)))
		if !reflect.DeepEqual(read, err) {
			t.Errorf("%#v became %#v", err, read)
		}
	}
	if got := Unpack(Pack(Wrong("", "x", "Share", fmt.Errorf("plain"), "At", struct{ A int }{1}))); got.Error() != "x Share=plain At={1}" {
		t.Errorf("other values became %v", got)
	}
	for _, err := range []error{nil, errors.New("connection refused"), Wrong("", "x", "Share", math.NaN())} {
		if text := Pack(err); text != "" {
			t.Errorf("%v was kept as %q", err, text)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(`{"kind":1,"key":"a","args":["X",{"key":"b"},["c"],1e400]}`)
	f.Add(`The file is empty.`)
	f.Fuzz(func(t *testing.T, text string) {
		err := Unpack(text)
		if err == nil {
			return
		}
		if again := Unpack(Pack(err)); again == nil || again.Error() != err.Error() {
			t.Errorf("%q: %v became %v", text, err, again)
		}
	})
}

func TestAnErrorIsMovedToTheFieldOfTheForm(t *testing.T) {
	verb := Clash("number", "orders.wrong.taken", "Number", "7")
	moved := In("order", fmt.Errorf("place: %w", verb))
	if FieldOf(moved) != "order" || FieldOf(verb) != "number" || !Is(moved, Conflict) || In("x", errors.ErrUnsupported) != errors.ErrUnsupported {
		t.Errorf("moved is %#v, the verb's is %#v", moved, verb)
	}
}
