package text

import "strings"

// Harmless returns the cells of a table so that no spreadsheet takes one for a
// formula. A negative number stays what it is.
func Harmless(cells []string) []string {
	safe := make([]string, len(cells))
	for i, c := range cells {
		if c != "" && strings.ContainsRune("=+-@\t\r", rune(c[0])) && !number(c) {
			c = "'" + c
		}
		safe[i] = c
	}
	return safe
}

func number(s string) bool {
	return strings.Trim(s, "-+.0123456789") == "" && strings.ContainsAny(s, "0123456789")
}
