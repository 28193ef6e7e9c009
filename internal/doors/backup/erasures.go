package backup

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// erasure is a line of the list beside the backups: an id, nothing of who it
// was.
type erasure struct {
	Customer string    `json:"customer"`
	At       time.Time `json:"erased_at"`
	By       string    `json:"erased_by,omitempty"`
}

// ErasuresFile is the list of erasures of a database in a folder of backups.
func ErasuresFile(dir, stem string) string { return filepath.Join(dir, stem+".erasures.jsonl") }

// KeepErasures writes down beside the backups who was erased: what the
// database knows, and what the list knew before. The list is replaced whole.
func KeepErasures(ctx context.Context, q store.Querier, file string) error {
	known, err := customers.Erasures(ctx, q)
	if err != nil {
		return err
	}
	before, err := ReadErasures(file)
	if err != nil {
		return err
	}
	all := joined(before, known)
	if len(all) == len(before) {
		return nil
	}
	part, err := os.OpenFile(file+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("list the erasures: %w", err)
	}
	defer os.Remove(part.Name())
	defer part.Close()
	out := bufio.NewWriter(part)
	lines := json.NewEncoder(out)
	for _, e := range all {
		line := erasure{Customer: e.Customer.String(), At: e.At.UTC()}
		if e.By != 0 {
			line.By = e.By.String()
		}
		if err := lines.Encode(line); err != nil {
			return fmt.Errorf("list the erasures: %w", err)
		}
	}
	if err := errors.Join(out.Flush(), part.Sync()); err != nil {
		return full(fmt.Errorf("list the erasures: %w", err), filepath.Dir(file))
	}
	return appear(part.Name(), file)
}

// ReadErasures reads such a list; none is there when nobody was erased.
func ReadErasures(file string) ([]customers.Erasure, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the list of erasures: %w", err)
	}
	defer f.Close()
	var all []customers.Erasure
	lines := json.NewDecoder(bufio.NewReader(f))
	for lines.More() {
		var line erasure
		err := lines.Decode(&line)
		var e customers.Erasure
		if err == nil {
			e.At = line.At
			e.Customer, err = id.ParseCustomer(line.Customer)
		}
		if err == nil && line.By != "" {
			e.By, err = id.ParseUser(line.By)
		}
		if err != nil {
			return nil, errs.Of(errs.Invalid, err, "backup.erasures", "File", file)
		}
		all = append(all, e)
	}
	return all, nil
}

// joined are several lists as one, each customer once.
func joined(lists ...[]customers.Erasure) []customers.Erasure {
	var all []customers.Erasure
	seen := map[id.Customer]bool{}
	for _, e := range slices.Concat(lists...) {
		if !seen[e.Customer] {
			seen[e.Customer] = true
			all = append(all, e)
		}
	}
	return all
}

// Erasures gathers everybody who is to be erased again in a restored backup:
// whom the replaced database knows, and who stands in the lists beside the
// backup, in the folder of backups, and in one that was named.
func Erasures(ctx context.Context, setup Setup, database, backup, list string, replaced store.Querier) ([]customers.Erasure, error) {
	var all [][]customers.Erasure
	if replaced != nil {
		var there bool
		if err := replaced.QueryRow(ctx, `select count(*) > 0 from schema_migrations where version >= $1`, sinceErasures).Scan(&there); err != nil {
			return nil, fmt.Errorf("look for erasures: %w", err)
		}
		if there {
			known, err := customers.Erasures(ctx, replaced)
			if err != nil {
				return nil, err
			}
			all = append(all, known)
		}
	}
	folder := setup.Folder
	if folder == "" {
		folder = filepath.Join(filepath.Dir(database), "backups")
	}
	files := []string{ErasuresFile(folder, stem(database))}
	if m := named.FindStringSubmatch(filepath.Base(backup)); m != nil {
		files = append(files, ErasuresFile(filepath.Dir(backup), m[1]))
	}
	if list != "" {
		if _, err := os.Stat(list); err != nil {
			return nil, errs.Of(errs.Invalid, err, "backup.erasures", "File", list)
		}
		files = append(files, list)
	}
	for _, file := range files {
		known, err := ReadErasures(file)
		if err != nil {
			return nil, err
		}
		all = append(all, known)
	}
	return joined(all...), nil
}

// sinceErasures is the migration that made the table of erasures.
const sinceErasures = 5
