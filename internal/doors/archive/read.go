package archive

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
)

// Archive is an opened archive.
type Archive struct {
	Manifest
	file string
	zip  *zip.ReadCloser
}

// Is reports whether a file is an archive of a database, as against a zip with
// tables of a shop.
func Is(file string) bool {
	a, err := Open(file)
	if err == nil {
		_ = a.Close()
	}
	var known *errs.Error
	return err == nil || errors.As(err, &known) && known.Key != "archive.none"
}

const (
	maxManifest = 4 << 20
	maxLine     = 256 << 20 // an imported file's part is the longest
)

// Open opens an archive. A file that is none, is damaged, or comes from a
// later form is errs.Invalid.
func Open(file string) (*Archive, error) {
	none := func(err error) error { return errs.Of(errs.Invalid, err, "archive.none", "File", file) }
	if f, err := os.Open(file); err != nil {
		return nil, none(err)
	} else {
		head := make([]byte, 4)
		_, err := io.ReadFull(f, head)
		_ = f.Close()
		if err != nil || string(head) != "PK\x03\x04" {
			return nil, none(err)
		}
	}
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil, none(err)
	}
	a := &Archive{file: file, zip: z}
	text, err := a.read(manifestName)
	if err == nil {
		err = json.Unmarshal(text, &a.Manifest)
	}
	if err != nil || a.Format != formatName {
		_ = z.Close()
		return nil, none(err)
	}
	if a.Version > version {
		_ = z.Close()
		return nil, errs.Wrong("", "archive.newer", "File", file, "Program", a.Program)
	}
	return a, nil
}

func (a *Archive) read(name string) ([]byte, error) {
	f, err := a.zip.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxManifest))
}

// Close closes the file.
func (a *Archive) Close() error { return a.zip.Close() }

func (a *Archive) damaged(err error) error {
	return errs.Of(errs.Invalid, err, "archive.damaged", "File", a.file)
}

// Taking says how an archive is read in.
type Taking struct {
	Plan Plan
	// Meet is asked for each row of a table whether the database has met it
	// already: then it is not inserted. By table.
	Meet map[string]func(ctx context.Context, tx *store.Tx, row map[string]any) (bool, error)
}

// Take reads the archive into a database of the same schema that is empty but
// for who set it up, in one transaction: all of it is there afterwards, or
// nothing has changed. A database that holds anything else is errs.Conflict.
func (a *Archive) Take(ctx context.Context, db *store.DB, t Taking) error {
	shapes, err := store.Shapes(ctx, db)
	if err != nil {
		return err
	}
	if err := a.fits(shapes, t.Plan); err != nil {
		return err
	}
	return db.Tx(ctx, func(tx *store.Tx) error {
		if err := vacant(ctx, tx, shapes); err != nil {
			return err
		}
		for _, s := range shapes {
			if t.Plan.Includes(s.Name) && t.Meet[s.Name] == nil {
				if err := s.Empty(ctx, tx); err != nil {
					return err
				}
			}
		}
		first := slices.Clone(a.Tables) // what foreign keys lead to comes first
		slices.SortStableFunc(first, func(x, y Table) int { return rank(x.Name) - rank(y.Name) })
		for _, file := range first {
			i := slices.IndexFunc(shapes, func(s store.Shape) bool { return s.Name == file.Name })
			if err := a.take(ctx, tx, file, shapes[i], t); err != nil {
				return err
			}
		}
		return nil
	})
}

func rank(table string) int {
	if table == "customers" {
		return 0
	}
	return 1
}

// fits holds the archive's tables and columns against the database's.
func (a *Archive) fits(shapes []store.Shape, plan Plan) error {
	for _, file := range a.Tables {
		i := slices.IndexFunc(shapes, func(s store.Shape) bool { return s.Name == file.Name })
		if i < 0 || !plan.Includes(file.Name) || !slices.Equal(sorted(shapes[i].Names()), sorted(file.Columns)) {
			return a.damaged(fmt.Errorf("table %s is not as this program knows it", file.Name))
		}
	}
	return nil
}

func sorted(names []string) []string { return slices.Sorted(slices.Values(names)) }

// vacant refuses a database that has begun to be used.
func vacant(ctx context.Context, q store.Querier, shapes []store.Shape) error {
	for _, table := range []string{"customers", "orders", "walkin_orders", "events", "products"} {
		if !slices.ContainsFunc(shapes, func(s store.Shape) bool { return s.Name == table }) {
			continue
		}
		var used bool
		if err := q.QueryRow(ctx, `select exists (select 1 from `+table+`)`).Scan(&used); err != nil {
			return fmt.Errorf("look into %s: %w", table, err)
		}
		if used {
			return errs.Clash("", "archive.not-empty")
		}
	}
	return nil
}

// take reads one table.
func (a *Archive) take(ctx context.Context, tx *store.Tx, file Table, s store.Shape, t Taking) error {
	f, err := a.zip.Open(file.File)
	if err != nil {
		return a.damaged(err)
	}
	defer f.Close()
	sum := sha256.New()
	lines := bufio.NewReaderSize(io.TeeReader(f, sum), 64<<10)
	read := int64(0)
	next := func() ([]any, error) {
		for {
			line, err := readLine(lines)
			if errors.Is(err, io.EOF) {
				return nil, nil
			}
			if err == nil {
				read++
				var values []any
				if values, err = readRow(line, s); err == nil {
					met, failed := t.met(ctx, tx, s, values)
					if failed != nil || !met {
						return values, failed
					}
					continue
				}
			}
			return nil, a.damaged(fmt.Errorf("%s, line %d: %w", file.File, read, err))
		}
	}
	if _, err := s.Insert(ctx, tx, next); err != nil {
		return err
	}
	if read != file.Rows || sumText(sum) != file.SHA256 {
		return a.damaged(fmt.Errorf("%s has %d rows, not %d, or was changed", file.File, read, file.Rows))
	}
	return nil
}

func (t Taking) met(ctx context.Context, tx *store.Tx, s store.Shape, values []any) (bool, error) {
	meet := t.Meet[s.Name]
	if meet == nil {
		return false, nil
	}
	row := map[string]any{}
	for i, c := range s.Columns {
		row[c.Name] = values[i]
	}
	return meet(ctx, tx, row)
}

// readLine reads a line of bounded length; one without its end is broken off.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return bytes.TrimSuffix(line, []byte("\n")), nil
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(line) > maxLine:
			return nil, errors.New("the line is too long")
		}
	}
}
