package insights

// Hurry makes pages wait for nothing: a test does the work itself.
func Hurry() { patience.page, patience.file = 0, 0 }
