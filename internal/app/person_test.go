package app

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"

	"regulars/internal/know/customers"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
)

// fillEveryTable puts a row of one customer into each declared table, with a
// mark in each text that names table and column.
func fillEveryTable(t *testing.T, db *store.DB, c id.Customer) (marks map[string][]string) {
	t.Helper()
	shapes, err := store.Shapes(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	marks = map[string][]string{}
	testkit.Do(t, db, func(tx *store.Tx) error {
		for n, table := range Tables() {
			if slices.Contains([]string{"customers", "customer_erasures"}, table.Name) {
				continue // there already; made by erasure
			}
			i := slices.IndexFunc(shapes, func(s store.Shape) bool { return s.Name == table.Name })
			var there int
			if err := tx.QueryRow(t.Context(), `select count(*) from `+table.Name+` where customer_id = $1`, int64(c)).Scan(&there); err != nil {
				return err
			}
			if there > 0 && len(shapes[i].Key) == 1 && table.Merge != customers.Follow {
				continue // has the one row that it can have
			}
			values := make([]any, len(shapes[i].Columns))
			for k, f := range shapes[i].Columns {
				values[k], marks[table.Name] = markedValue(f, table.Name, int64(c), int64(n+1), marks[table.Name])
			}
			all := [][]any{values, nil}
			next := func() ([]any, error) { v := all[0]; all = all[1:]; return v, nil }
			if _, err := shapes[i].Insert(t.Context(), tx, next); err != nil {
				return err
			}
		}
		return nil
	})
	return marks
}

func markedValue(f store.Field, table string, c, n int64, marks []string) (any, []string) {
	mark := "zanzibar-" + table + "-" + f.Name
	switch {
	case f.Name == "customer_id":
		return c, marks
	case f.Name == "origin_customer_id":
		return nil, marks
	case f.Kind == "bigint":
		return n, marks
	case f.Kind == "boolean":
		return true, marks
	case f.Kind == "double precision":
		return 0.5, marks
	case f.Kind == "bytea":
		return []byte{1}, marks
	case f.Kind == "jsonb":
		return `{"said":"` + mark + `"}`, append(marks, mark)
	}
	return mark, append(marks, mark)
}

func TestAPersonsExportHoldsWhatEveryTableHolds(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := buyer(t, db, "anna")
		drain(t, db)
		marks := fillEveryTable(t, db, c)
		x, err := customers.Export(t.Context(), db, Tables(), c, db.Now())
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range Tables() {
			if table.Unexported {
				continue
			}
			if len(x.Tables[table.Name]) == 0 {
				t.Errorf("nothing of %s is in the export", table.Name)
			}
			for _, mark := range marks[table.Name] {
				if !bytes.Contains(body, []byte(mark)) {
					t.Errorf("%s is not in the export", mark)
				}
			}
		}
	})
}

func TestErasureReachesEveryTableAndItsReceiptSaysSo(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		c := buyer(t, db, "anna")
		drain(t, db)
		marks := fillEveryTable(t, db, c)
		testkit.Do(t, db, func(tx *store.Tx) error { return customers.EraseForGood(t.Context(), tx, Tables(), c, clerk) })
		receipt, ok, err := customers.ReceiptOf(t.Context(), db, c)
		if err != nil || !ok || !receipt.Genuine || receipt.By != clerk.Actor {
			t.Fatalf("%+v %v", receipt, err)
		}
		if strings.Contains(strings.ToLower(receipt.Text), "zanzibar") {
			t.Errorf("the receipt names the person: %s", receipt.Text)
		}
		told := map[string]customers.Wiped{}
		for _, w := range receipt.Tables {
			told[w.Table] = w
		}
		for _, table := range Tables() {
			left := strings.Join(texts(t, db, table.Name), "")
			for _, mark := range marks[table.Name] {
				column := mark[strings.LastIndexByte(mark, '-')+1:]
				_, blanked := table.Blank[column]
				if (table.Erase == customers.Empty || blanked) && strings.Contains(left, mark) {
					t.Errorf("%s is still there", mark)
				}
			}
			w := told[table.Name]
			switch {
			case table.Name == "customer_erasures":
			case table.Erase == customers.Empty && w.Removed == 0, len(table.Blank) > 0 && w.Emptied == 0,
				table.Erase == customers.Keep && len(table.Blank) == 0 && w.Kept == 0:
				t.Errorf("the receipt says nothing of %s: %+v", table.Name, w)
			}
		}
		testkit.Do(t, db, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `update customer_erasures set receipt = replace(receipt, '"removed":1', '"removed":2')`)
			return err
		})
		if changed, _, err := customers.ReceiptOf(t.Context(), db, c); err != nil || changed.Genuine || changed.Text == receipt.Text {
			t.Errorf("a receipt that was changed passes: %+v %v", changed, err)
		}
	})
}

func TestAPersonGetsTheirDataWithWordsInTheirLanguage(t *testing.T) {
	x := customers.Exported{Customer: "cus_1", ExportedAt: "2026-03-01T10:00:00Z", Tables: map[string][]map[string]any{"customers": {}}}
	for language, want := range map[string]string{"en": "stored about you", "cs": "uloženo", "bg": "съхранява", "ko": "개인정보", "it": "conservato", "ru": "хранится",
		"fi": "stored about you", "": "stored about you", "cs-CZ": "uloženo"} {
		var b bytes.Buffer
		if err := x.WriteZip(&b, "Tea & Co", language); err != nil {
			t.Fatal(err)
		}
		z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		parts := map[string]string{}
		for _, f := range z.File {
			in, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(in)
			if err != nil {
				t.Fatal(err)
			}
			parts[f.Name] = string(text)
		}
		if said := parts["README.txt"]; !strings.Contains(said, want) || !strings.Contains(said, "Tea & Co") || !strings.Contains(said, "2026-03-01") || strings.Contains(said, "{") {
			t.Errorf("%q: %s", language, said)
		}
		if !json.Valid([]byte(parts["data.json"])) {
			t.Errorf("data.json: %s", parts["data.json"])
		}
	}
}

func TestWhatAPeriodWouldRemoveIsSeenBeforeItIsSaved(t *testing.T) {
	h := newHouse(t, testkit.DB(t))
	token := h.session(web.Owner)
	c := h.customer()
	testkit.Do(t, h.db, func(tx *store.Tx) error { // the note is old
		_, err := tx.Exec(t.Context(), `update customer_notes set created_at = 1 where customer_id = $1`, int64(c))
		return err
	})
	ask := func(form string) string {
		v, err := url.ParseQuery(form)
		if err != nil {
			t.Fatal(err)
		}
		return h.answer(asOwner(posted("/settings/personal-data", v), token)).Body.String()
	}
	if body := ask("notes=30&do=count"); !strings.Contains(body, "1 would be removed now") {
		t.Error("the page does not say what would go")
	}
	if n := h.number(`select count(*) from keeping_periods where cast($1 as bigint) = 0`, 0); n != "0" {
		t.Errorf("counting saved %s periods", n)
	}
	if body := ask("inactive=3&do=save"); !strings.Contains(body, "At least 180 days") {
		t.Error("three days were taken")
	}
	ask("notes=30&do=save")
	if n := h.number(`select days from keeping_periods where cast($1 as bigint) = 0`, 0); n != "30" {
		t.Errorf("%s days were saved", n)
	}
}
