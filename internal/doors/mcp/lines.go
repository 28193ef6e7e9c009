package mcp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// lines is a pair of streams with one message a line. A line that is no
// message is answered with what is wrong and forgotten: whoever wrote it goes
// on. When nothing more comes in, what was asked before is answered still.
type lines struct {
	in  io.ReadCloser
	out io.WriteCloser
}

// Connect begins to read.
func (l lines) Connect(context.Context) (sdk.Connection, error) {
	c := &lineConn{lines: l, came: make(chan jsonrpc.Message), closed: make(chan struct{}), open: map[jsonrpc.ID]bool{}, answered: make(chan struct{}, 1)}
	go c.read()
	return c, nil
}

type lineConn struct {
	lines
	came   chan jsonrpc.Message // closed at the end of the input
	failed error                // why the input ended, if not well; read once came is closed
	closed chan struct{}
	close  sync.Once

	mu       sync.Mutex          // of writing and of open
	open     map[jsonrpc.ID]bool // asked and not answered yet
	answered chan struct{}
}

// SessionID is none: there is one session.
func (c *lineConn) SessionID() string { return "" }

func (c *lineConn) read() {
	defer close(c.came)
	in := bufio.NewReaderSize(c.in, 64<<10)
	for {
		line, err := oneLine(in)
		if err != nil && !errors.Is(err, errLong) {
			if !errors.Is(err, io.EOF) {
				c.failed = err
			}
			return
		}
		if len(line) == 0 && err == nil {
			continue
		}
		m, wrong := message(line, err)
		if wrong != "" {
			if err := c.write([]byte(wrong)); err != nil {
				c.failed = err
				return
			}
			continue
		}
		if r, asks := m.(*jsonrpc.Request); asks && r.IsCall() {
			c.mu.Lock()
			c.open[r.ID] = true
			c.mu.Unlock()
		}
		select {
		case c.came <- m:
		case <-c.closed:
			return
		}
	}
}

// message reads a line, or says in an answer why it is none.
func message(line []byte, long error) (m jsonrpc.Message, wrong string) {
	refusal := func(code int, why string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":null,"error":{"code":%d,"message":%q}}`, code, why)
	}
	if long != nil {
		return nil, refusal(jsonrpc.CodeInvalidRequest, fmt.Sprintf("A message may be %d KiB long at most.", maxMessage>>10))
	}
	m, err := jsonrpc.DecodeMessage(line)
	if err != nil {
		return nil, refusal(jsonrpc.CodeParseError, "This line is no JSON-RPC message. Send one message a line.")
	}
	return m, ""
}

var errLong = errors.New("the line is too long")

// oneLine reads the next line without its end. Of one that is longer than a
// message may be, nothing is kept.
func oneLine(in *bufio.Reader) (line []byte, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) > maxMessage+2 {
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = in.ReadSlice('\n')
			}
			return nil, errLong
		}
		line = append(line, part...)
		switch {
		case err == nil:
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) > 0: // the last one has no end
		default:
			return nil, err
		}
		for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
			line = line[:len(line)-1]
		}
		return line, nil
	}
}

// lastAnswers is how long the answers to what was asked may take once nothing
// more comes in.
const lastAnswers = time.Minute

// Read returns the next message; io.EOF once all that was asked is answered.
func (c *lineConn) Read(ctx context.Context) (jsonrpc.Message, error) {
	select {
	case m, ok := <-c.came:
		if ok {
			return m, nil
		}
	case <-c.closed:
		return nil, io.EOF
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c.failed != nil {
		return nil, c.failed
	}
	enough := time.After(lastAnswers)
	for {
		c.mu.Lock()
		left := len(c.open)
		c.mu.Unlock()
		if left == 0 {
			return nil, io.EOF
		}
		select {
		case <-c.answered:
		case <-enough:
			return nil, io.EOF
		case <-c.closed:
			return nil, io.EOF
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Write writes a message as one line.
func (c *lineConn) Write(_ context.Context, m jsonrpc.Message) error {
	b, err := jsonrpc.EncodeMessage(m)
	if err != nil {
		return fmt.Errorf("write a message: %w", err)
	}
	if err := c.write(b); err != nil {
		return err
	}
	if r, ok := m.(*jsonrpc.Response); ok {
		c.mu.Lock()
		delete(c.open, r.ID)
		c.mu.Unlock()
		select {
		case c.answered <- struct{}{}:
		default:
		}
	}
	return nil
}

func (c *lineConn) write(line []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.out.Write(append(line, '\n'))
	return err
}

// Close ends the connection.
func (c *lineConn) Close() error {
	var err error
	c.close.Do(func() {
		close(c.closed)
		err = errors.Join(c.in.Close(), c.out.Close())
	})
	return err
}
