package rest

import (
	"encoding/json"
	"testing"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
)

type place struct {
	At int64       `json:"a"`
	ID id.Customer `json:"c"`
}

func TestACursorIsReadBack(t *testing.T) {
	want := place{-7, 42}
	var got place
	if err := ReadCursor(Cursor(want), &got); err != nil || got != want {
		t.Errorf("got %v, %v", got, err)
	}
	if err := ReadCursor("", &got); err != nil || got != want {
		t.Errorf("the first page begins at %v, %v", got, err)
	}
	for _, wrong := range []string{"x", "!", Cursor([]int{1}), Cursor(map[string]int{"b": 1}), Cursor(want) + "AA", Cursor("x")} {
		if err := ReadCursor(wrong, new(place)); !errs.Is(err, errs.Invalid) || errs.FieldOf(err) != "after" {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func FuzzReadCursor(f *testing.F) {
	f.Add(Cursor(place{1, 2}))
	f.Add("")
	f.Add("bm90")
	f.Fuzz(func(t *testing.T, s string) {
		var p, again place
		if err := ReadCursor(s, &p); err != nil {
			if !errs.Is(err, errs.Invalid) {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		if err := ReadCursor(Cursor(p), &again); err != nil || again != p {
			t.Errorf("%q is %v, and read again %v, %v", s, p, again, err)
		}
	})
}

func TestAMergePatchKnowsNullFromNothing(t *testing.T) {
	var p struct {
		A Field[string] `json:"a"`
		B Field[string] `json:"b"`
		C Field[int]    `json:"c"`
	}
	if err := json.Unmarshal([]byte(`{"a":null,"c":7}`), &p); err != nil {
		t.Fatal(err)
	}
	a, b, c := "was", "was", 1
	p.A.Into(&a)
	p.B.Into(&b)
	p.C.Into(&c)
	if a != "" || b != "was" || c != 7 {
		t.Errorf("came to %q, %q, %d", a, b, c)
	}
}

func TestTagsTellStatesApart(t *testing.T) {
	one, other := Tag(place{1, 2}), Tag(place{1, 3})
	for match, ok := range map[string]bool{"": true, "*": true, one: true, other: false, "W/" + one: true, other + ", " + one: true, "nonsense": false} {
		if err := (IfMatch{match}).Check(place{1, 2}); (err == nil) != ok {
			t.Errorf("%q: %v", match, err)
		}
	}
}

func TestAFieldAtFaultIsLedBelowItsItem(t *testing.T) {
	for field, want := range map[string]string{"name": "items/3/name", "": "items/3"} {
		if got := errs.FieldOf(Under("items/3", errs.Wrong(field, "rest.wrong.cursor"))); got != want {
			t.Errorf("%q became %q", field, got)
		}
	}
}
