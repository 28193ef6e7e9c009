package store_test

import (
	"fmt"
	"testing"

	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// BenchmarkBulk puts 700 rows of seven columns in, a transaction an iteration.
func BenchmarkBulk(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			db := testkit.Open(b, testkit.DSN(b, engine), store.Options{})
			testkit.Do(b, db, func(tx *store.Tx) error {
				_, err := tx.Exec(b.Context(), `create table things (customer_id bigint not null, event_id bigint not null, prop text not null, ordinal bigint not null,
					text_value text, number_value double precision, origin bigint, primary key (customer_id, event_id, prop, ordinal))`)
				return err
			})
			n := int64(0)
			for b.Loop() {
				testkit.Do(b, db, func(tx *store.Tx) error {
					rows := tx.Bulk(b.Context(), "things", "customer_id, event_id, prop, ordinal, text_value, number_value, origin", "")
					for i := range int64(700) {
						if err := rows.Add(i/7, n, fmt.Sprint("prop", i%7), i%7, "a text of some length", 1.5, nil); err != nil {
							return err
						}
					}
					n++
					return rows.Close()
				})
			}
			b.ReportMetric(float64(b.N)*700/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
