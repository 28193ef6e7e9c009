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
