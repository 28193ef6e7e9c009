package customers

import (
	"archive/zip"
	"context"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Exported is everything the database holds of one person, in a form that
// programs read: the rows of every table by the names of their columns.
type Exported struct {
	Customer   string                      `json:"customer"`
	ExportedAt string                      `json:"exported_at"`
	Tables     map[string][]map[string]any `json:"tables"`
}

// Export gathers everything of one person, also of those who were merged into
// them: their data is this person's. Times are RFC 3339, ids are text.
func Export(ctx context.Context, q store.Querier, tables []Table, c id.Customer, at time.Time) (Exported, error) {
	members, err := family(ctx, q, c)
	if err != nil {
		return Exported{}, err
	}
	x := Exported{Customer: c.String(), ExportedAt: at.UTC().Format(time.RFC3339), Tables: map[string][]map[string]any{}}
	in, ids := origins(members, 1)
	for _, t := range tables {
		if t.Unexported {
			continue
		}
		rows, err := readRows(ctx, q, t.Name, `customer_id in (`+in+`)`, ids...)
		if err != nil {
			return x, fmt.Errorf("export %s: %w", c, err)
		}
		x.Tables[t.Name] = make([]map[string]any, 0, len(rows))
		for _, r := range rows {
			x.Tables[t.Name] = append(x.Tables[t.Name], r.plain())
		}
	}
	return x, nil
}

// plain is a row as a person's export shows it.
func (r row) plain() map[string]any {
	cells := make(map[string]any, len(r.columns))
	for i, c := range r.columns {
		v := r.values[i]
		switch v := v.(type) {
		case int64:
			switch {
			case strings.HasSuffix(c, "_at"):
				cells[c] = moment(v).Format(time.RFC3339Nano)
				continue
			case c == "customer_id" || c == "origin_customer_id" || c == "merged_into" || c == "other_id":
				cells[c] = id.Customer(v).String()
				continue
			case c == "id" || strings.HasSuffix(c, "_id"):
				cells[c] = fmt.Sprint(v) // JavaScript would round it
				continue
			}
		case string:
			if strings.HasPrefix(v, "{") && json.Valid([]byte(v)) {
				cells[c] = json.RawMessage(v)
				continue
			}
		case []byte:
			cells[c] = base64.StdEncoding.EncodeToString(v)
			continue
		}
		cells[c] = v
	}
	return cells
}

// readmes tell the person in plain words what the file is.
//
//go:embed readme/*.txt
var readmes embed.FS

// WriteZip writes the export as a person gets it: data.json for programs, and
// README.txt in the first of the languages that there is.
func (x Exported) WriteZip(w io.Writer, business string, languages ...string) error {
	data, err := json.MarshalIndent(x, "", "\t")
	if err != nil {
		return err
	}
	day, _, _ := strings.Cut(x.ExportedAt, "T")
	text := strings.NewReplacer("{business}", business, "{day}", day).Replace(readmeIn(languages))
	z := zip.NewWriter(w)
	for _, part := range [][2]string{{"README.txt", text}, {"data.json", string(data)}} {
		f, err := z.Create(part[0])
		if err == nil {
			_, err = io.WriteString(f, part[1])
		}
		if err != nil {
			return fmt.Errorf("write a person's export: %w", err)
		}
	}
	return z.Close()
}

func readmeIn(languages []string) string {
	for _, l := range append(languages, "en") {
		l, _, _ = strings.Cut(l, "-")
		if text, err := readmes.ReadFile("readme/" + l + ".txt"); err == nil && l != "" {
			return string(text)
		}
	}
	return ""
}
