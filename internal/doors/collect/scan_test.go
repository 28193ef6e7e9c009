package collect

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTheDoorSeesKeyAndSizesOfABody(t *testing.T) {
	o, err := outlined([]byte(` {"batch":[{"type":"track","event":"a"},{"x":[1,2,{"y":"é\u00e9"}]}],"writeKey":"abc","sentAt":null} `))
	if err != nil || !o.batch || o.messages != 2 || o.longest != len(`{"type":"track","event":"a"}`) || o.writeKey != "abc" {
		t.Errorf("%+v, %v", o, err)
	}
	one := `{"type":"track","writeKey":"k"}`
	if o, err = outlined([]byte(one)); err != nil || o.batch || o.messages != 1 || o.longest != len(one) {
		t.Errorf("%+v, %v", o, err)
	}
	for _, bad := range []string{"", "[]", "null", "{", `{"a":1}x`, `{"a":01}`, `{"a":"` + "\n" + `"}`, `{"a":tru}`, `{"a":1,}`,
		`{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`} {
		if _, err := outlined([]byte(bad)); err == nil {
			t.Errorf("%.40q was taken for a body", bad)
		}
	}
}

// FuzzOutline holds the door's own reading to encoding/json: what it takes in
// can be read by the drain, and what it refuses is no JSON object.
func FuzzOutline(f *testing.F) {
	for _, s := range []string{`{}`, `{"batch":[{"a":1.5e-3},{}],"writeKey":"k"}`, `{"a":"\ud800\n","b":[true,false,null]}`, `{"a":-0}`, `{"batch":{}}`, `{"a":"\u00e"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := outlined(body)
		isObject := json.Valid(body) && strings.HasPrefix(strings.TrimLeft(string(body), " \t\r\n"), "{")
		if err == nil && !isObject {
			t.Fatalf("taken in, and no JSON object: %q", body)
		}
		if err != nil && isObject && !strings.Contains(string(body), strings.Repeat("[", 10)) && strings.Count(string(body), "{") < maxDepth {
			t.Fatalf("refused, although it is a JSON object: %q", body)
		}
		if err != nil {
			return
		}
		parts, err := cutMessages(&Parcel{Topic: "batch", Body: body})
		if err != nil && o.batch && o.messages > 0 {
			t.Fatalf("taken in, and the drain cannot read it: %v: %q", err, body)
		}
		for _, p := range parts {
			if m := p.Value.(*message); p.Err == nil && m.user == "" && m.anonymous == "" {
				t.Fatalf("a message of nobody passes: %q", body)
			}
			if again := p.body(); !json.Valid(again) {
				t.Fatalf("laid aside as no JSON: %q", again)
			}
		}
	})
}
