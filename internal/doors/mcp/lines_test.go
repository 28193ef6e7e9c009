package mcp_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"regulars/internal/testkit"
)

// output keeps what a server says.
type output struct{ bytes.Buffer }

func (*output) Close() error { return nil }

func TestALineThatIsNoMessageIsAnsweredAndTheTalkGoesOn(t *testing.T) {
	s := build(t, testkit.DB(t))
	const hello = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}` + "\n" +
		`{"jsonrpc":"2.0","method":"notifications/initialized"}` + "\n"
	said := &output{}
	err := s.door.Serve(t.Context(), may(all...), io.NopCloser(strings.NewReader("Starting up…\n"+hello+"\r\n\n{\"half\":\n[]\n"+strings.Repeat("x", 3<<20)+"\n"+
		// The input ends at once and without an end of line: the question is answered still.
		`{"jsonrpc":"2.0","id":"last","method":"tools/call","params":{"name":"who_is_slipping_away","arguments":{"limit":1}}}`)), said)
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]int{}
	for line := range strings.Lines(said.String()) {
		var m struct {
			JSONRPC string          `json:"jsonrpc"`
			ID      json.RawMessage `json:"id"`
			Result  json.RawMessage `json:"result"`
			Error   *struct{ Code int }
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil || m.JSONRPC != "2.0" || (m.Result == nil) == (m.Error == nil) {
			t.Fatalf("%v in %q", err, line)
		}
		if string(m.ID) == "null" && (m.Error == nil || m.Error.Code != -32700 && m.Error.Code != -32600) || string(m.ID) != "null" && m.Error != nil {
			t.Errorf("%s", line)
		}
		answers[string(m.ID)]++
	}
	if answers["null"] != 4 || answers["1"] != 1 || answers[`"last"`] != 1 {
		t.Errorf("answers by id %v: %.2000s", answers, said)
	}
}
