package testkit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"regulars/internal/platform/locale"
)

// Sentence is what a person reads of err in English: the sentence of its key
// in the catalogues of the whole program.
func Sentence(err error) string {
	if err == nil {
		return ""
	}
	return English().Sentence(err)
}

// English speaks from every catalogue of the source tree, so that any package
// can be tested alone.
var English = sync.OnceValue(func() *locale.Printer {
	root, err := os.Getwd()
	for ; err == nil; root = filepath.Dir(root) {
		if _, failed := os.Stat(filepath.Join(root, "go.mod")); failed == nil {
			break
		} else if root == filepath.Dir(root) {
			err = errors.New("no go.mod above")
		}
	}
	var all []fs.FS
	if err == nil {
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			own := filepath.Join(root, "internal", "platform", "locale", "text")
			if err == nil && d.IsDir() && d.Name() == "text" && path != own {
				if found, _ := filepath.Glob(filepath.Join(path, "en.json")); len(found) > 0 {
					all = append(all, os.DirFS(filepath.Dir(path)))
				}
			}
			return err
		})
	}
	catalog, failed := locale.Load(all...)
	if err = errors.Join(err, failed); err != nil {
		panic(fmt.Sprintf("the catalogues of the source tree: %v", err))
	}
	return catalog.For("en")
})
