package webhooks

// For tests: what jobs do at night, and the reading of a header.
var (
	Prune  = prune
	Wished = wished
)
