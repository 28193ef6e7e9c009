package store

// Statements are the statements of a migration, each with its tag.
func Statements(script string) (all [][2]string) {
	for _, s := range statements(script) {
		all = append(all, [2]string{s.text, s.tag})
	}
	return all
}

// What the tests read migrations with.
var (
	Bracketed = bracketed
	Terms     = terms
)

// Ready counts the statements that are kept ready, for readers and the writer.
func (db *DB) Ready() (readers, writer int) {
	count := func(r *ready) (n int) {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, s := range r.kept {
			if s != nil {
				n++
			}
		}
		return n
	}
	return count(&db.reads), count(&db.writes)
}
