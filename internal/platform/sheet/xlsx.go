package sheet

import (
	"archive/zip"
	"errors"
	"io"
	"path"
	"strconv"
	"strings"

	"regulars/internal/platform/errs"
)

// book is an open workbook. XLSX is read by hand: the libraries for it build on
// encoding/xml, which keeps a text of any length in memory, and take several
// times as long; and what a table needs of the format is small: texts, numbers,
// days, and the stored values of formulas.
type book struct {
	in       *input
	files    map[string]*zip.File
	base     string
	sheets   []bookSheet
	since04  bool
	shared   sharedStrings
	formats  []numberFormat
	columns  int
	rowBytes int
}

type bookSheet struct {
	name, rel, file string
	hidden          bool
}

const (
	docWorkbook = "workbook"
	docBinary   = "binary workbook"
	docOther    = "document"
)

// documentKind tells office documents from other zips.
func documentKind(z *zip.Reader) string {
	kind := ""
	for _, f := range z.File {
		switch name := strings.TrimPrefix(f.Name, "/"); {
		case name == "xl/workbook.xml":
			return docWorkbook
		case name == "xl/workbook.bin":
			return docBinary
		case name == "word/document.xml", name == "content.xml", name == "ppt/presentation.xml", strings.HasSuffix(name, ".iwa"):
			kind = docOther
		case strings.HasPrefix(name, "xl/worksheets/") && kind == "":
			kind = docWorkbook
		}
	}
	return kind
}

func (r *Reader) openBook(z *zip.Reader) error {
	bk := &book{in: r.in, files: map[string]*zip.File{}, columns: r.opts.Limits.Columns, rowBytes: r.opts.Limits.RowBytes}
	for _, f := range z.File {
		bk.files[strings.ToLower(strings.TrimPrefix(f.Name, "/"))] = f
	}
	if err := bk.readWorkbook(); err != nil {
		return bookError(err)
	}
	if err := bk.readFormats(); err != nil {
		return bookError(err)
	}
	if err := bk.readShared(r.opts.Limits.StringBytes); err != nil {
		return bookError(err)
	}
	src, sheet, err := bk.choose(r)
	if err != nil {
		return err
	}
	r.src, r.padded = src, true
	r.format = Format{Kind: "xlsx", Table: sheet.name}
	for _, s := range bk.sheets {
		r.format.Tables = append(r.format.Tables, s.name)
	}
	return nil
}

// bookError is the sentence for a workbook that cannot be read.
func bookError(err error) error {
	if errors.Is(err, errXMLTooLong) {
		return errs.Of(errs.Invalid, err, "sheet.wrong.book-text")
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errs.Of(errs.Invalid, err, "sheet.wrong.book-breaks-off")
	}
	return packedError(err)
}

// choose opens the sheet asked for, or the first visible one with a row.
func (bk *book) choose(r *Reader) (*bookSource, bookSheet, error) {
	var names []string
	for _, s := range bk.sheets {
		names = append(names, s.name)
		if want := r.opts.Table; want != "" && !strings.EqualFold(want, s.name) || want == "" && s.hidden {
			continue
		}
		src, err := bk.open(s)
		if err != nil {
			return nil, s, err
		}
		r.pending = src.fill(r.batch)
		if len(r.batch.rows) > 0 || r.opts.Table != "" || r.pending != io.EOF {
			return src, s, nil
		}
		r.pending = nil
	}
	if r.opts.Table != "" {
		return nil, bookSheet{}, errs.Wrong("table", "sheet.wrong.book-sheet", "Name", r.opts.Table, "Names", listed(names))
	}
	return nil, bookSheet{}, errs.Wrong("", "sheet.wrong.book-no-rows")
}

// part opens one file of the workbook, guarded; nil when there is none.
func (bk *book) part(name string) (io.ReadCloser, *zip.File, error) {
	f := bk.files[strings.ToLower(strings.TrimPrefix(name, "/"))]
	if f == nil {
		return nil, nil, nil
	}
	r, err := f.Open()
	if err != nil {
		return nil, nil, packedError(unexpected(err))
	}
	packed := int64(f.CompressedSize64)
	g := &guard{ctx: bk.in.ctx, r: r, packed: func() int64 { return packed }, limits: bk.in.limits}
	return struct {
		io.Reader
		io.Closer
	}{g, r}, f, nil
}

// each calls fn for every opening tag of a part; what fn reads on is its own.
func (bk *book) each(name string, fn func(x *xmlPull) error) error {
	r, _, err := bk.part(name)
	if err != nil || r == nil {
		return err
	}
	defer r.Close()
	x := newXMLPull(r, bk.rowBytes)
	for {
		err := x.next(false)
		if err == io.EOF {
			return nil
		}
		if err == nil && !x.End {
			err = fn(x)
		}
		if err != nil {
			return err
		}
	}
}

const mostSheets = 10000

func (bk *book) readWorkbook() error {
	workbook := "xl/workbook.xml"
	bk.base = "xl"
	err := bk.each("_rels/.rels", func(x *xmlPull) error {
		if string(x.Name) == "Relationship" && strings.HasSuffix(string(x.attr("Type")), "/officeDocument") {
			workbook = strings.TrimPrefix(string(x.attr("Target")), "/")
			bk.base = path.Dir(workbook)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = bk.each(workbook, func(x *xmlPull) error {
		switch string(x.Name) {
		case "workbookPr":
			v := string(x.attr("date1904"))
			bk.since04 = v == "1" || v == "true"
		case "sheet":
			if len(bk.sheets) == mostSheets {
				return errs.Wrong("", "sheet.wrong.book-sheets", "Most", mostSheets)
			}
			state := string(x.attr("state"))
			bk.sheets = append(bk.sheets, bookSheet{name: string(x.attr("name")), rel: string(x.attr("id")),
				hidden: state == "hidden" || state == "veryHidden"})
		}
		return nil
	})
	if err != nil {
		return err
	}
	targets := map[string]string{}
	err = bk.each(path.Join(bk.base, "_rels", path.Base(workbook)+".rels"), func(x *xmlPull) error {
		if string(x.Name) == "Relationship" && len(targets) < 2*mostSheets {
			target := string(x.attr("Target"))
			if !strings.HasPrefix(target, "/") {
				target = path.Join(bk.base, target)
			}
			targets[string(x.attr("Id"))] = target
		}
		return nil
	})
	for i := range bk.sheets {
		bk.sheets[i].file = targets[bk.sheets[i].rel]
	}
	return err
}

// sharedStrings are the texts of a workbook, in blocks that never grow: memory
// stays what the texts take.
type sharedStrings struct {
	texts [][]byte
	block []byte
	size  int
}

const sharedBlock = 1 << 20

func (s *sharedStrings) add(text []byte) {
	if cap(s.block)-len(s.block) < len(text) {
		s.block = make([]byte, 0, max(sharedBlock, len(text)))
	}
	start := len(s.block)
	s.block = append(s.block, text...)
	s.texts = append(s.texts, s.block[start:len(s.block):len(s.block)])
	s.size += len(text) + 48 // the slice, and room while texts grows
}

func (s *sharedStrings) get(i int) []byte {
	if i < 0 || i >= len(s.texts) {
		return nil
	}
	return s.texts[i]
}

func (bk *book) readShared(limit int) error {
	s := &bk.shared
	var text []byte
	return bk.each(path.Join(bk.base, "sharedStrings.xml"), func(x *xmlPull) error {
		if string(x.Name) != "si" {
			return nil
		}
		text = text[:0]
		if !x.Empty {
			var err error
			if text, err = appendRichText(text, x, "si"); err != nil {
				return err
			}
		}
		if s.add(text); s.size > limit {
			return errs.Wrong("", "sheet.wrong.book-large-text", "Most", bytesText(int64(limit)))
		}
		return nil
	})
}

// appendRichText appends the texts inside an element, without the readings of
// East Asian ones, up to its end.
func appendRichText(dst []byte, x *xmlPull, until string) ([]byte, error) {
	phonetic, text := false, false
	from := len(dst)
	for {
		if err := x.next(text); err != nil {
			return dst, unexpected(err)
		}
		if text {
			dst = appendCellText(dst, x.Text)
			text = false
			if len(dst)-from > x.limit {
				return dst, errXMLTooLong
			}
		}
		switch string(x.Name) {
		case until:
			if x.End {
				return dst, nil
			}
		case "rPh":
			phonetic = !x.End && !x.Empty
		case "t":
			text = !x.End && !x.Empty && !phonetic
		}
	}
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// appendCellText resolves _x000D_ and its like, by which Excel writes what XML
// cannot.
func appendCellText(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '_' && i+7 <= len(s) && s[i+1] == 'x' && s[i+6] == '_' {
			if n, err := strconv.ParseUint(string(s[i+2:i+6]), 16, 16); err == nil {
				if n != 0 && (n < 0xd800 || n > 0xdfff) {
					dst = append(dst, string(rune(n))...)
				}
				i += 6
				continue
			}
		}
		dst = append(dst, s[i])
	}
	return dst
}
