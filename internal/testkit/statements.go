package testkit

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"regulars/internal/platform/store"
)

// Statements is the environment's name of the folder in which every test run
// leaves each statement it ran, in a file of its own. A last test, in
// internal/app, holds them all to the rules of Citus.
const Statements = "REGULARS_STATEMENTS"

var _ = record(os.Getenv(Statements))

// longList is a list of parameters whose length means nothing.
var longList = regexp.MustCompile(`in \(\$(\d+)(, ?\$\d+)+\)`)

func record(dir string) bool {
	if dir == "" {
		return false
	}
	var seen sync.Map
	store.Watch(func(query string) {
		query = longList.ReplaceAllString(strings.Join(strings.Fields(query), " "), "in ($$$1)")
		if _, known := seen.LoadOrStore(query, true); known {
			return
		}
		hash := sha256.Sum256([]byte(query))
		path := filepath.Join(dir, hex.EncodeToString(hash[:8])+".sql")
		if _, err := os.Stat(path); err == nil {
			return
		}
		if err := os.WriteFile(path, []byte(query), 0o644); err != nil {
			panic("the statement cannot be kept: " + err.Error())
		}
	})
	return true
}
