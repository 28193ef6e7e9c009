package importers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/store"
)

// An uploaded file is kept in the database, in parts, and not in a folder: so
// every process that does background work has it, whichever took the upload,
// and a backup in the middle of an import holds what is needed to go on.

const (
	partSize = 256 << 10
	// partsATime is how many parts one transaction writes or takes away: few
	// enough that nobody else waits for the writer.
	partsATime = 8
	// MaxUpload is the largest file that is taken from a browser.
	MaxUpload = 2 << 30
)

// Spool takes a file in as it comes, never holding more of it than a few
// parts, and writes it down as an import that waits. A file that breaks off
// on the way leaves nothing that is not tidied up.
func Spool(ctx context.Context, db *store.DB, im Import, body io.Reader) (id.Import, error) {
	err := db.Tx(ctx, func(tx *store.Tx) error {
		im.ID = id.Import(tx.NewID())
		return nil
	})
	if err != nil {
		return 0, err
	}
	im.Size, im.Hash, err = keepParts(ctx, db, im.ID, body)
	if err == nil {
		err = db.Tx(ctx, func(tx *store.Tx) error {
			_, err := Create(ctx, tx, im)
			return err
		})
	}
	if err != nil {
		return 0, errors.Join(err, dropFile(context.WithoutCancel(ctx), db, im.ID))
	}
	return im.ID, nil
}

// keepParts writes a file down in parts and returns its size and hash.
func keepParts(ctx context.Context, db *store.DB, i id.Import, body io.Reader) (size int64, hash string, err error) {
	sum := sha256.New()
	buf := make([]byte, partsATime*partSize)
	for part := int64(0); ; part += partsATime {
		n, err := io.ReadFull(body, buf)
		if err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, "", errs.Of(errs.Invalid, err, "importers.wrong.upload-broke")
		}
		sum.Write(buf[:n])
		if size += int64(n); size > MaxUpload {
			return 0, "", errs.Of(errs.TooLarge, nil, "importers.wrong.upload-large")
		}
		if n > 0 {
			if err := db.Tx(ctx, func(tx *store.Tx) error { return AddPart(ctx, tx, i, part, buf[:n]) }); err != nil {
				return 0, "", err
			}
		}
		if n < len(buf) {
			return size, hex.EncodeToString(sum.Sum(nil)), nil
		}
	}
}

// AddPart keeps a piece of an import's file, the first of its parts having the
// given number. Each piece but the last is a multiple of 256 KB.
func AddPart(ctx context.Context, tx *store.Tx, i id.Import, first int64, body []byte) error {
	for ; len(body) > 0; first++ {
		n := min(len(body), partSize)
		_, err := tx.Exec(ctx, `insert into import_files (import_id, part, body) values ($1, $2, $3)`, int64(i), first, body[:n])
		if err != nil {
			return fmt.Errorf("keep part %d of a file: %w", first, err)
		}
		body = body[n:]
	}
	return nil
}

// dropFile takes the file of an import away, a few parts at a time.
func dropFile(ctx context.Context, db *store.DB, i id.Import) error {
	for {
		var n int64
		err := db.Tx(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.Exec(ctx, `delete from import_files where import_id = $1 and part in (
				select part from import_files where import_id = $1 order by part limit $2)`, int64(i), partsATime)
			return err
		})
		if err != nil {
			return fmt.Errorf("take away a file: %w", err)
		}
		if n == 0 {
			return nil
		}
	}
}

// spooled is the file of an import as it is kept: an io.Reader and, for
// workbooks and zips, an io.ReaderAt.
type spooled struct {
	ctx  context.Context
	q    store.Querier
	i    id.Import
	size int64
	at   int64 // of Read

	mu   sync.Mutex
	kept [4]keptPart // read last, by part number modulo
}

type keptPart struct {
	part int64
	body []byte
}

func (f *spooled) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.at)
	f.at += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

// ReadAt reads within a part at a time, as far as p is long.
func (f *spooled) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		if off >= f.size {
			return n, io.EOF
		}
		body, err := f.part(off / partSize)
		if err != nil {
			return n, err
		}
		k := copy(p[n:], body[min(off%partSize, int64(len(body))):])
		if k == 0 {
			return n, io.ErrUnexpectedEOF
		}
		n, off = n+k, off+int64(k)
	}
	return n, nil
}

func (f *spooled) part(part int64) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept := &f.kept[part%int64(len(f.kept))]
	if kept.body != nil && kept.part == part {
		return kept.body, nil
	}
	var body []byte
	err := f.q.QueryRow(f.ctx, `select body from import_files where import_id = $1 and part = $2`, int64(f.i), part).Scan(&body)
	if err != nil {
		return nil, fmt.Errorf("read part %d of a file: %w", part, err)
	}
	*kept = keptPart{part, body}
	return body, nil
}

// openSpooled opens the file of an import, as its settings say. A file that
// has been tidied up is errs.Invalid.
func openSpooled(ctx context.Context, q store.Querier, im Import) (*sheet.Reader, error) {
	if im.Size > 0 {
		var kept bool
		err := q.QueryRow(ctx, `select exists (select 1 from import_files where import_id = $1)`, int64(im.ID)).Scan(&kept)
		if err != nil {
			return nil, fmt.Errorf("look for the file of an import: %w", err)
		}
		if !kept {
			return nil, errs.Wrong("", "importers.wrong.not-kept")
		}
	}
	f := &spooled{ctx: ctx, q: q, i: im.ID, size: im.Size}
	return sheet.OpenFrom(ctx, f, im.Size, im.Settings.options())
}

// options are how the file of the settings is opened.
func (s Settings) options() sheet.Options {
	return sheet.Options{Encoding: s.Encoding, Table: s.Table}
}

// How long files are kept of imports that nobody goes on with.
const (
	keepWaiting = 7 * 24 * time.Hour
	keepBroken  = 30 * 24 * time.Hour
	// keepRows is how long rows that could not be read can be mended: they
	// hold what the file said of people.
	keepRows = 30 * 24 * time.Hour
)

// tidy takes away the files that are not needed any more, uploads that broke
// off, imports that nobody has started for a week, and bad rows that nobody
// mended for a month. An import whose work was given up or cancelled is taken
// up again.
func tidy(ctx context.Context, db *store.DB) error {
	now := db.Now()
	old, err := store.All(ctx, db, store.Scalar[id.Import], `
		select distinct f.import_id from import_files f left join imports i on i.id = f.import_id
		where i.id is null and f.import_id < $1 or i.state in ('complete', 'undone')
			or i.state = 'waiting' and i.created_at < $2 or i.state in ('failed', 'stopped') and i.created_at < $3
		order by f.import_id`,
		int64(firstID(now.Add(-24*time.Hour))), now.Add(-keepWaiting).UnixMicro(), now.Add(-keepBroken).UnixMicro())
	if err != nil {
		return fmt.Errorf("look for files to tidy up: %w", err)
	}
	for _, i := range old {
		if err := dropFile(ctx, db, i); err != nil {
			return err
		}
	}
	return db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `delete from imports where state = 'waiting' and created_at < $1`, now.Add(-keepWaiting).UnixMicro())
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			delete from import_errors where import_id in (select id from imports where finished_at < $1)`, now.Add(-keepRows).UnixMicro()); err != nil {
			return err
		}
		return takeUp(ctx, tx)
	})
}

// takeUp sees to it that every import that is under way has its job. Those of
// the command line have none: it goes on with them itself.
func takeUp(ctx context.Context, tx *store.Tx) error {
	active, err := store.All(ctx, tx, scan, `select `+columns+` from imports
		where state = 'undoing' or state = 'running' and exists (select 1 from import_files f where f.import_id = imports.id)
		order by id`)
	if err != nil {
		return fmt.Errorf("look for imports without work: %w", err)
	}
	for _, im := range active {
		kind := runJob
		if im.State == Undoing {
			kind = undoJob
		}
		if err := jobs.Enqueue(ctx, tx, jobs.New{Kind: kind, Args: importArgs{im.ID}, Key: im.ID.String()}); err != nil {
			return err
		}
	}
	return nil
}

// firstID is below every id made from t on: ids are ordered by their time.
func firstID(t time.Time) id.Import {
	return id.Import((t.UnixMilli() - id.Epoch) << 22)
}
