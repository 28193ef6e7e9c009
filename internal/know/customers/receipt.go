package customers

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
)

// Wiped is what an erasure did to one table.
type Wiped struct {
	Table   string   `json:"table"`
	Removed int64    `json:"removed,omitempty"` // rows that were deleted
	Emptied int64    `json:"emptied,omitempty"` // rows that stay, without these columns:
	Columns []string `json:"columns,omitempty"`
	Kept    int64    `json:"kept,omitempty"` // rows that say nothing of the person
}

// Receipt proves an erasure: when, by whom, and what became of how many rows.
// It names nobody.
type Receipt struct {
	Customer id.Customer
	At       time.Time
	By       id.User
	Tables   []Wiped
	Text     string // JSON, exactly as it was sealed
	Digest   string // its seal, by a key that is not in the database
	Missing  bool   // there is none: from before there were receipts, or out of an archive
	Genuine  bool   // the text is as it was written
}

// Removed is how many rows were deleted or emptied.
func (r Receipt) Removed() (n int64) {
	for _, t := range r.Tables {
		n += t.Removed + t.Emptied
	}
	return n
}

type receiptText struct {
	Customer string  `json:"customer"`
	At       string  `json:"erased_at"`
	By       string  `json:"erased_by,omitempty"`
	Source   string  `json:"source"`
	Tables   []Wiped `json:"tables"`
}

const receiptKey = "receipts"

// writeReceipt makes the text of a receipt and its seal.
func writeReceipt(ctx context.Context, tx *store.Tx, c id.Customer, by By, wiped []Wiped) (text, digest string, err error) {
	key, err := users.SecretIn(ctx, tx, receiptKey)
	if err != nil {
		return "", "", err
	}
	r := receiptText{Customer: c.String(), At: tx.Now.Format(time.RFC3339Nano), Source: by.Source, Tables: wiped}
	if by.Actor != 0 {
		r.By = by.Actor.String()
	}
	b, err := json.Marshal(r)
	return string(b), seal(key, string(b)), err
}

func seal(key []byte, text string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

// Receipts are the receipts of the latest erasures, one for each person.
func Receipts(ctx context.Context, db *store.DB, limit int) ([]Receipt, error) {
	return receipts(ctx, db, `order by erased_at desc, customer_id limit $1`, limit)
}

// ReceiptOf is the receipt of one erasure; ok is false when the customer was
// not erased.
func ReceiptOf(ctx context.Context, db *store.DB, c id.Customer) (r Receipt, ok bool, err error) {
	all, err := receipts(ctx, db, `where customer_id = $1`, int64(c))
	if err != nil || len(all) == 0 {
		return r, false, err
	}
	return all[0], true, nil
}

func receipts(ctx context.Context, db *store.DB, which string, arg any) ([]Receipt, error) {
	key, err := users.Secret(ctx, db, receiptKey)
	if err != nil {
		return nil, err
	}
	all, err := store.All(ctx, db, func(rows *sql.Rows) (r Receipt, err error) {
		var at int64
		if err := rows.Scan(&r.Customer, &at, &r.By, &r.Text, &r.Digest); err != nil {
			return r, err
		}
		r.At = moment(at)
		r.Missing = r.Text == "" || r.Digest == ""
		r.Genuine = !r.Missing && hmac.Equal([]byte(r.Digest), []byte(seal(key, r.Text)))
		var text receiptText
		if r.Text != "" && json.Unmarshal([]byte(r.Text), &text) == nil {
			r.Tables = text.Tables
		}
		return r, nil
	}, `select customer_id, erased_at, erased_by, receipt, digest from customer_erasures `+which, arg)
	if err != nil {
		return nil, fmt.Errorf("read receipts of erasures: %w", err)
	}
	return all, nil
}
