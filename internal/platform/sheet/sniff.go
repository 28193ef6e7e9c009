package sheet

import "bytes"

// sniffRows is how many rows decide about the layout.
const sniffRows = 200

// sniff finds the delimiter of a sample: of comma, semicolon, tab and bar the
// one that cuts the most rows into as many cells as the first, and among equals
// the one that cuts the first row into more. 0 stands for columns separated by
// blanks: when no delimiter cuts, most lines begin with a blank or have two in a
// row, and blanks cut every line into the same three or more. Otherwise a file
// has one column.
func sniff(sample []byte) byte {
	best, bestAgree, bestCells := byte(','), 0, 1
	for _, d := range []byte(",;\t|") {
		agree, cells := agreement(sample, d)
		if cells < 2 {
			continue
		}
		// Half of the rows agreeing is worth more than more cells.
		if agree > bestAgree+5 || agree >= bestAgree-5 && cells > bestCells {
			best, bestAgree, bestCells = d, agree, cells
		}
	}
	if bestCells > 1 && bestAgree >= 50 {
		return best
	}
	if agree, cells := agreement(sample, 0); agree >= 95 && cells > 2 && alignedByBlanks(sample) {
		return 0
	}
	return best
}

// agreement is how many per cent of the rows have as many cells as the first,
// and how many it has.
func agreement(sample []byte, delim byte) (percent, cells int) {
	sample = lines(sample[:min(len(sample), 256<<10)], 4*sniffRows)
	c := cutter{delim: delim, columns: len(sample)}
	b := &batch{}
	whole := bytes.Count(sample, []byte("\n")) < sniffRows/2
	// A cut sample ends anywhere; its last row does not count. When it is
	// the whole file, it does.
	used, _, err := c.cut(b, sample, 1, false)
	if err == nil && whole && used < len(sample) {
		_, _, _ = c.cut(b, sample[used:], 1, true)
	}
	if len(b.rows) == 0 {
		return 0, 0
	}
	rows := b.rows[:min(len(b.rows), sniffRows)]
	cells = rows[0].end
	agree := 0
	for i := range rows {
		if rows[i].bad == nil && len(b.rowCells(i)) == cells {
			agree++
		}
	}
	return agree * 100 / len(rows), cells
}

// lines are the first lines of a sample.
func lines(sample []byte, most int) []byte {
	end := 0
	for range most {
		i := bytes.IndexByte(sample[end:], '\n')
		if i < 0 {
			return sample
		}
		end += i + 1
	}
	return sample[:end]
}

func alignedByBlanks(sample []byte) bool {
	lines, aligned := 0, 0
	for line := range bytes.Lines(sample[:min(len(sample), 256<<10)]) {
		line = bytes.TrimRight(line, "\r\n ")
		if len(line) == 0 {
			continue
		}
		lines++
		if line[0] == ' ' || bytes.Contains(line, []byte("  ")) {
			aligned++
		}
	}
	return aligned*2 > lines
}

// separatorLine reads a first line "sep=;" and returns its sign and length.
func separatorLine(sample []byte) (delim byte, length int) {
	i := bytes.IndexByte(sample[:min(len(sample), 16)], '\n')
	if i < 0 {
		return 0, 0
	}
	line := bytes.Trim(sample[:i], "\"\r")
	if len(line) == 5 && bytes.EqualFold(line[:4], []byte("sep=")) {
		return line[4], i + 1
	}
	return 0, 0
}

// join is the row as a line of the file again.
func (c *cutter) join(cells [][]byte) []byte {
	delim := c.delim
	if delim == 0 {
		delim = ' '
	}
	var out []byte
	for i, cell := range cells {
		if i > 0 {
			out = append(out, delim)
		}
		if bytes.IndexByte(cell, delim) >= 0 || bytes.ContainsAny(cell, "\"\n\r") {
			cell = append(append([]byte{'"'}, bytes.ReplaceAll(cell, []byte(`"`), []byte(`""`))...), '"')
		}
		if out = append(out, cell...); len(out) > rawKept {
			return out[:rawKept]
		}
	}
	return out
}
