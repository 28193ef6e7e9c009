package sheet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
)

// RowBytes is a row as Scan delivers it.
type RowBytes struct {
	Chunk int       // chunks are numbered in the order of the file
	Index int       // of the row in its chunk
	Line  int       // the line it begins on, counted from 1
	Cells [][]byte  // valid until the function returns
	Bad   *RowError // the row cannot be read; Cells is empty
}

// scanBlock is how much text a worker is given at a time.
const scanBlock = 256 << 10

// Scan delivers all rows that Next has not yet delivered, on several cores
// (workers, or as many as there are when it is 0). Rows of one chunk come to
// one worker in their order; (Chunk, Index) is the order of the file. fn may be
// called by all workers at once, each with its own number from 0. Cells are not
// copied; workbooks do not pad them to the header.
//
// The rows, their lines and their errors are those that Next gives. The first
// error of fn ends the scan and is returned; an error of the file is returned
// after the rows before it were delivered. Memory stays below about
// workers × (1 MiB + the longest row) × 30, and in practice far below.
func (r *Reader) Scan(workers int, fn func(worker int, row RowBytes) error) error {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	return r.scan(workers, scanBlock, fn)
}

func (r *Reader) scan(workers, block int, fn func(worker int, row RowBytes) error) error {
	ctx, cancel := context.WithCancelCause(r.ctx)
	defer cancel(nil)
	s := &scan{ctx: ctx, stop: cancel, fn: fn, block: block}
	for ; r.row < len(r.batch.rows); r.row++ {
		if err := s.deliver(0, 0, r.batch, r.row, r.row); err != nil {
			return err
		}
	}
	if r.pending != nil {
		return endOf(r.pending)
	}
	text, ok := r.src.(*textSource)
	if !ok {
		return s.rest(r)
	}
	s.text = text
	r.pending = io.EOF
	return s.parallel(workers)
}

func endOf(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

type scan struct {
	ctx   context.Context
	stop  context.CancelCauseFunc
	fn    func(worker int, row RowBytes) error
	text  *textSource
	block int

	ended atomic.Pointer[error] // what is wrong with the file
}

func (s *scan) deliver(worker, chunk int, b *batch, row, index int) error {
	out := RowBytes{Chunk: chunk, Index: index, Line: b.rows[row].line, Bad: b.rows[row].bad}
	if out.Bad == nil {
		out.Cells = b.rowCells(row)
	}
	return s.fn(worker, out)
}

// rest delivers the rows of a workbook, which cannot be cut into pieces.
func (s *scan) rest(r *Reader) error {
	for chunk := 1; r.pending == nil; chunk++ {
		r.refill()
		for i := range r.batch.rows {
			if err := s.deliver(0, chunk, r.batch, i, i); err != nil {
				return err
			}
		}
	}
	return endOf(r.pending)
}

// chunk is a piece of text that most likely begins with a row.
type chunk struct {
	number int
	data   []byte
	last   bool
	err    error // what reading ended with, for the last one
	before <-chan baton
	after  chan<- baton
}

// baton is what the chunks before know: where the next row begins. A worker cuts
// its chunk on the guess that a row begins with it, then waits for the baton;
// if the guess was wrong (the baton carries the beginning of a row), it
// cuts again. So the answer never depends on the guess, only the speed does.
type baton struct {
	line  int
	carry []byte
	over  bool // the file is at fault before this chunk: deliver nothing
}

// parallel lets workers read the text piece by piece, one at a time, and cut
// what they have read beside each other.
func (s *scan) parallel(workers int) error {
	t := s.text
	first := make(chan baton, 1)
	first <- baton{line: t.line}
	p := &pieces{text: t, block: s.block, left: bytes.Clone(t.buf[t.used:t.have]), err: t.err, before: first}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			b := &batch{}
			var buf []byte
			for s.ctx.Err() == nil && s.ended.Load() == nil {
				c, ok := p.next(buf)
				if !ok {
					return
				}
				if err := s.work(w, c, b); err != nil {
					s.stop(err)
				}
				buf = c.data
			}
		})
	}
	wg.Wait()
	if err := context.Cause(s.ctx); err != nil {
		return err
	}
	if err := s.ended.Load(); err != nil {
		return *err
	}
	return nil
}

// pieces reads a text in pieces. It guesses where rows end by counting quotes.
type pieces struct {
	mu     sync.Mutex
	text   *textSource
	block  int
	number int
	left   []byte // of the last piece, behind its last row
	err    error  // what reading ended with
	over   bool
	before <-chan baton
}

// next is the next piece, read into buf if that is large enough; false: there
// is none.
func (p *pieces) next(buf []byte) (chunk, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return chunk{}, false
	}
	size := p.block + len(p.left)
	if cap(buf) < size {
		buf = make([]byte, size+p.block/8)
	}
	buf = buf[:size]
	n := copy(buf, p.left)
	for n < size && p.err == nil {
		var more int
		more, p.err = p.text.r.Read(buf[n:])
		n += more
	}
	buf = buf[:n]
	end := n
	if p.err == nil {
		end = rowsEnd(buf)
	}
	p.left = append(p.left[:0], buf[end:]...)
	p.number++
	p.over = p.err != nil
	after := make(chan baton, 1)
	c := chunk{number: p.number, data: buf[:end], last: p.over, err: p.err, before: p.before, after: after}
	p.before = after
	return c, true
}

// rowsEnd guesses the end of the last whole row: behind the last line end with
// an even number of quotes before it. Where there is none it is any line end.
func rowsEnd(data []byte) int {
	quotes := bytes.Count(data, []byte{'"'})
	end := len(data)
	last := -1
	for end > 0 {
		i := bytes.LastIndexByte(data[:end], '\n')
		if i < 0 {
			break
		}
		if last < 0 {
			last = i
		}
		quotes -= bytes.Count(data[i:end], []byte{'"'})
		if quotes%2 == 0 {
			return i + 1
		}
		end = i
	}
	if last >= 0 {
		return last + 1
	}
	return len(data)
}

// work cuts a chunk, checks its guess against the baton, passes the baton on
// and delivers the rows.
func (s *scan) work(worker int, c chunk, b *batch) error {
	eof := c.last && c.err == io.EOF
	b.reset()
	used, lines, err := s.text.cut(b, c.data, 0, eof)
	var now baton
	select {
	case now = <-c.before:
	case <-s.ctx.Done():
		return nil
	}
	if now.over {
		c.after <- now
		return nil
	}
	data := c.data
	if len(now.carry) > 0 {
		data = append(now.carry, c.data...)
		b.reset()
		used, lines, err = s.text.cut(b, data, 0, eof)
	}
	b.shift(now.line)
	next := baton{line: now.line + lines}
	var quote *OpenQuoteError
	switch rest := data[used:]; {
	case errors.As(err, &quote):
		quote.Line, quote.At = quote.Line+now.line, quote.At+now.line
	case c.last:
		err = endOf(c.err)
	case len(rest) >= s.text.limit:
		err = tooLong(next.line, s.text.limit)
	default:
		next.carry = bytes.Clone(rest)
	}
	if err != nil {
		s.ended.Store(&err)
		next.over = true
	}
	c.after <- next
	for i := range b.rows {
		if i%1024 == 0 && s.ctx.Err() != nil {
			return nil
		}
		if err := s.deliver(worker, c.number, b, i, i); err != nil {
			return err
		}
	}
	return nil
}

// shift moves all rows down by so many lines.
func (b *batch) shift(lines int) {
	for i := range b.rows {
		b.rows[i].line += lines
		if bad := b.rows[i].bad; bad != nil {
			bad.Line, bad.At = bad.Line+lines, bad.At+lines
		}
	}
}
