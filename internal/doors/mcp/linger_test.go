package mcp

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

type nowhere struct{ io.Writer }

func (nowhere) Close() error { return nil }

// askedAndGone is a talk whose other side asked two things and left.
func askedAndGone(t *testing.T) (c *lineConn, asked []*jsonrpc.Request) {
	t.Helper()
	in := `{"jsonrpc":"2.0","id":1,"method":"ping"}` + "\n" + `{"jsonrpc":"2.0","id":2,"method":"ping"}`
	conn, err := lines{io.NopCloser(strings.NewReader(in)), nowhere{io.Discard}}.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c = conn.(*lineConn)
	for range 2 {
		m, err := c.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		asked = append(asked, m.(*jsonrpc.Request))
	}
	return c, asked
}

func TestATalkEndsWithItsLastAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, asked := askedAndGone(t)
		began := time.Now()
		go func() {
			for _, r := range asked {
				time.Sleep(10 * time.Second)
				if err := c.Write(t.Context(), &jsonrpc.Response{ID: r.ID, Result: []byte("{}")}); err != nil {
					t.Error(err)
				}
			}
		}()
		if _, err := c.Read(t.Context()); !errors.Is(err, io.EOF) || time.Since(began) != 20*time.Second {
			t.Errorf("ended after %s with %v", time.Since(began), err)
		}
	})
}

func TestAnAnswerThatNeverComesDoesNotKeepATalkOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, asked := askedAndGone(t)
		if err := c.Write(t.Context(), &jsonrpc.Response{ID: asked[0].ID, Result: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := c.Read(t.Context()); !errors.Is(err, io.EOF) || time.Since(began) != lastAnswers {
			t.Errorf("ended after %s with %v", time.Since(began), err)
		}
	})
}
