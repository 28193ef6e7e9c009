package rest

import (
	"errors"
	"testing"
)

func TestTheByteAtFaultLeadsToItsPlace(t *testing.T) {
	for _, x := range []struct{ body, sort, pointer string }{
		{``, "empty", "#/"},
		{"{\"a\":\n", "cut", "#/a"},
		{`{"a":1,}`, "syntax", "#/"},
		{`{"a":[1,{"b":"x","c":tru}]}`, "syntax", "#/a/1/c"},
		{`{"a":[1,{"b":[]},,]}`, "syntax", "#/a/2"},
		{`{"a/b":{"c~d":'x'}}`, "syntax", "#/a~1b/c~0d"},
		{`{"a":1} {}`, "after", "#/"},
		{`{"n":{"deep":[1,1e400]}}`, "value", "#/n/deep/1"},
	} {
		var v struct {
			N struct {
				Deep []int `json:"deep"`
			} `json:"n"`
		}
		var u unread
		if err := readJSON([]byte(x.body), &v); !errors.As(err, &u) || u.sort != x.sort {
			t.Errorf("%s: %q", x.body, err)
			continue
		}
		if at := pointerTo(x.body, u.offset); at != x.pointer {
			t.Errorf("%s: byte %d stands at %s, want %s", x.body, u.offset, at, x.pointer)
		}
	}
	if line, column := linePlace("{\n \"é\": x", 9); line != 2 || column != 7 {
		t.Errorf("line %d, column %d", line, column)
	}
}
