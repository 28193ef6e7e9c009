package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"

	"regulars/internal/platform/errs"
)

//go:embed pages text assets
var own embed.FS

// Text holds the catalogue of the layout, the errors and the kit; the app
// loads it beside those of the modules.
func Text() fs.FS { return own }

// asset is one file served for ever under a name that holds its hash.
type asset struct {
	kind   string
	plain  []byte
	packed func() []byte // packed when first asked for, so that starting is quick
}

type assetSet struct {
	base   string
	byName map[string]string // regulars.css → regulars.1a2b3c4d.css
	byHash map[string]*asset
}

func loadAssets(base string) (*assetSet, error) {
	set := &assetSet{base: base, byName: map[string]string{}, byHash: map[string]*asset{}}
	files, err := fs.Glob(own, "assets/*.*")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if path.Ext(file) == ".txt" {
			continue
		}
		b, err := own.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read asset %s: %w", file, err)
		}
		set.add(path.Base(file), b)
	}
	css, err := joined("assets/css/*.css")
	if err != nil {
		return nil, err
	}
	set.add("regulars.css", css)
	return set, nil
}

// joined is all files of a pattern in alphabetical order.
func joined(pattern string) ([]byte, error) {
	files, err := fs.Glob(own, pattern)
	if err != nil {
		return nil, fmt.Errorf("list assets: %w", err)
	}
	var all []byte
	for _, file := range files {
		b, err := own.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read asset %s: %w", file, err)
		}
		all = append(all, b...)
	}
	return all, nil
}

// add gives a file its name with the hash of its content.
func (set *assetSet) add(name string, b []byte) {
	ext, sum := path.Ext(name), sha256.Sum256(b)
	hashed := strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
	kind := mime.TypeByExtension(ext)
	if ext == ".js" {
		kind = "text/javascript; charset=utf-8"
	}
	set.byName[name] = hashed
	set.byHash[hashed] = &asset{kind: kind, plain: b, packed: sync.OnceValue(func() []byte { return pack(b) })}
}

func pack(b []byte) []byte {
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	_, _ = z.Write(b)
	_ = z.Close()
	return packed.Bytes()
}

// href is the address of an asset; an unknown name is an error, so that a
// page with a wrong one fails its first test.
func (set *assetSet) href(name string) (string, error) {
	hashed, ok := set.byName[name]
	if !ok {
		return "", fmt.Errorf("no asset is called %q", name)
	}
	return set.base + "/assets/" + hashed, nil
}

func (s *Server) serveAsset(w http.ResponseWriter, r *Request) error {
	a, ok := s.assets.byHash[r.PathValue("name")]
	if !ok {
		return errs.Missing("web.error.address")
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Type", a.kind)
	h.Set("Vary", "Accept-Encoding")
	body := a.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.packed()
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
	return nil
}

func hasIcon(name string) bool {
	_, err := own.Open("assets/icons/" + name + ".svg")
	return err == nil && name != ""
}

// icon is an inline picture from assets/icons; it says nothing to a screen
// reader, so the text beside it must.
func icon(name string) (template.HTML, error) {
	b, err := own.ReadFile("assets/icons/" + name + ".svg")
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("no icon is called %q; add it to assets/icons.txt and run scripts/assets.sh", name)
	}
	return template.HTML(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">` + string(b) + `</svg>`), err
}
