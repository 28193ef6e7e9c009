package export

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	xlsxRows  = 1_048_576 // what a worksheet holds; more rows go on the next one
	xlsxCell  = 32_767    // characters a cell holds
	xlsxExact = 15        // digits that a spreadsheet keeps of a number
)

// Styles of xlsxStyles, by their place in it.
const (
	stylePlain = iota
	styleDay
	styleTime
	styleHead
)

// xlsxRowWriter streams a workbook: the worksheets first, what lists them last.
type xlsxRowWriter struct {
	zip     *zip.Writer
	out     *bufio.Writer // the worksheet being written
	columns []Column
	sheets  int
	rows    int // of this worksheet, with the heading
	limit   int
	line    []byte
}

func startXLSX(w io.Writer, columns []Column) (rowWriter, error) {
	x := &xlsxRowWriter{zip: zip.NewWriter(w), columns: columns, limit: xlsxRows}
	return x, x.nextSheet()
}

func (x *xlsxRowWriter) nextSheet() error {
	if err := x.endSheet(); err != nil {
		return err
	}
	x.sheets++
	x.rows = 0
	part, err := x.zip.Create(fmt.Sprintf("xl/worksheets/sheet%d.xml", x.sheets))
	if err != nil {
		return err
	}
	x.out = bufio.NewWriterSize(part, 32<<10)
	var head strings.Builder
	head.WriteString(xmlHead + `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">` +
		`<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>`)
	for i, c := range x.columns {
		width := 14
		switch c.Kind {
		case Text:
			width = 22
		case Time:
			width = 19
		}
		fmt.Fprintf(&head, `<col min="%d" max="%d" width="%d" customWidth="1"/>`, i+1, i+1, width)
	}
	head.WriteString(`</cols><sheetData>`)
	if _, err := x.out.WriteString(head.String()); err != nil {
		return err
	}
	x.begin()
	for i, c := range x.columns {
		x.inline(i, c.Title, styleHead)
	}
	return x.write()
}

func (x *xlsxRowWriter) row(cells []string) error {
	if x.rows == x.limit {
		if err := x.nextSheet(); err != nil {
			return err
		}
	}
	x.begin()
	for i, cell := range cells {
		if cell != "" {
			x.cell(i, x.columns[i].Kind, cell)
		}
	}
	return x.write()
}

func (x *xlsxRowWriter) cell(i int, kind Kind, cell string) {
	switch kind {
	case Number:
		if isNumber(cell) && significant(cell) <= xlsxExact {
			x.value(i, "", stylePlain, cell)
			return
		}
	case Day:
		if t, err := time.Parse(time.DateOnly, cell); err == nil {
			if days, _, ok := serial(t); ok {
				x.value(i, "", styleDay, strconv.Itoa(days))
				return
			}
		}
	case Time:
		if t, err := time.Parse(time.RFC3339, cell); err == nil {
			if days, seconds, ok := serial(t); ok {
				x.value(i, "", styleTime, strconv.FormatFloat(float64(days)+float64(seconds)/86400, 'f', -1, 64))
				return
			}
		}
	case Bool:
		if cell == "true" || cell == "false" {
			x.value(i, "b", stylePlain, map[string]string{"true": "1", "false": "0"}[cell])
			return
		}
	}
	x.inline(i, cell, stylePlain)
}

// significant counts the digits of a number, those of its power left out.
func significant(number string) int {
	number, _, _ = strings.Cut(number, "e")
	n := 0
	for _, c := range strings.TrimLeft(number, "-0.") {
		if c != '.' {
			n++
		}
	}
	return n
}

func (x *xlsxRowWriter) begin() {
	x.rows++
	x.line = append(x.line[:0], `<row r="`...)
	x.line = append(strconv.AppendInt(x.line, int64(x.rows), 10), `">`...)
}

func (x *xlsxRowWriter) write() error {
	x.line = append(x.line, `</row>`...)
	_, err := x.out.Write(x.line)
	return err
}

// open begins the cell of a column.
func (x *xlsxRowWriter) open(i int, kind string, style int) {
	x.line = append(x.line, `<c r="`...)
	x.line = append(x.line, columnName(i)...)
	x.line = append(strconv.AppendInt(x.line, int64(x.rows), 10), '"')
	if style != stylePlain {
		x.line = append(strconv.AppendInt(append(x.line, ` s="`...), int64(style), 10), '"')
	}
	if kind != "" {
		x.line = append(append(append(x.line, ` t="`...), kind...), '"')
	}
	x.line = append(x.line, '>')
}

func (x *xlsxRowWriter) value(i int, kind string, style int, v string) {
	x.open(i, kind, style)
	x.line = append(append(append(x.line, `<v>`...), v...), `</v></c>`...)
}

func (x *xlsxRowWriter) inline(i int, s string, style int) {
	x.open(i, "inlineStr", style)
	x.line = append(x.line, `<is><t xml:space="preserve">`...)
	x.line = appendCellXML(x.line, s)
	x.line = append(x.line, `</t></is></c>`...)
}

func (x *xlsxRowWriter) endSheet() error {
	if x.out == nil {
		return nil
	}
	if _, err := x.out.WriteString(`</sheetData></worksheet>`); err != nil {
		return err
	}
	return x.out.Flush()
}

// end writes what says how many worksheets there are.
func (x *xlsxRowWriter) end() error {
	if err := x.endSheet(); err != nil {
		return err
	}
	var types, sheets, relations strings.Builder
	for n := 1; n <= x.sheets; n++ {
		fmt.Fprintf(&types, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>`, n)
		fmt.Fprintf(&sheets, `<sheet name="Rows %d" sheetId="%d" r:id="rId%d"/>`, n, n, n)
		fmt.Fprintf(&relations, `<Relationship Id="rId%d" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet%d.xml"/>`, n, n)
	}
	for _, part := range [][2]string{
		{"xl/styles.xml", xlsxStyles},
		{"xl/workbook.xml", `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>` +
			sheets.String() + `</sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` + relations.String() +
			fmt.Sprintf(`<Relationship Id="rId%d" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>`, x.sheets+1)},
		{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
			`<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
			`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` +
			`<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>` + types.String() + `</Types>`},
	} {
		w, err := x.zip.Create(part[0])
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, xmlHead+part[1]); err != nil {
			return err
		}
	}
	return x.zip.Close()
}

const xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

// xlsxStyles are the least that spreadsheets accept, with a day, a time and a
// bold heading.
const xlsxStyles = `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">` +
	`<numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd"/><numFmt numFmtId="165" formatCode="yyyy\-mm\-dd\ hh:mm:ss"/></numFmts>` +
	`<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>` +
	`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
	`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
	`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
	`<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
	`<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
	`<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
	`<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs></styleSheet>`

// columnName is A, B, … Z, AA, …
func columnName(i int) string {
	var name string
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}

// appendCellXML writes a text as the content of a cell, cut where a cell ends.
func appendCellXML(b []byte, s string) []byte {
	n := 0
	for i, c := range s {
		if n++; n > xlsxCell {
			break
		}
		switch {
		case c == '_' && looksEscaped(s[i:]):
			b = append(b, "_x005F_"...)
		case c == '<':
			b = append(b, "&lt;"...)
		case c == '>':
			b = append(b, "&gt;"...)
		case c == '&':
			b = append(b, "&amp;"...)
		case c == '\r' || c < ' ' && c != '\t' && c != '\n':
			b = fmt.Appendf(b, "_x%04X_", c)
		case c == 0xFFFE || c == 0xFFFF || c == utf8.RuneError:
			b = append(b, "\ufffd"...)
		default:
			b = utf8.AppendRune(b, c)
		}
	}
	return b
}

// looksEscaped reports whether s begins like _x000D_, by which workbooks write
// what XML has no sign for: a text that only looks so must stay what it is.
func looksEscaped(s string) bool {
	if len(s) < 7 || s[1] != 'x' || s[6] != '_' {
		return false
	}
	_, err := strconv.ParseUint(s[2:6], 16, 16)
	return err == nil
}
