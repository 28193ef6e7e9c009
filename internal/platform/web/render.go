package web

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	text "text/template"

	"github.com/klauspost/compress/gzip"

	"regulars/internal/platform/web/kit"
)

// page is one template set: layout, kit and the page's own file. Template
// functions speak for one request, so each set in use is bound to one; sets
// are kept and used again, as escaping a fresh one costs milliseconds. One is
// made when the page is first shown: a set of every page would be half of what
// an idle program holds in memory.
type page struct {
	base   *template.Template
	files  fs.FS
	names  []string        // of its own file and the parts of its module
	blocks map[string]bool // what these define
	free   chan *bound
	shown  sync.Map // blocks rendered so far
}

func (p *page) has(block string) bool { return p.blocks[block] || p.base.Lookup(block) != nil }

type bound struct {
	set *template.Template
	r   *Request
}

// layoutData is what the layout sees; the page's own blocks see Page.
type layoutData struct {
	R       *Request
	Page    any
	Nav     []navSection
	Around  []navPlace
	Notices []Notice
}

// parsePages builds the set of every module's every page. Files that begin
// with _ are parts, parsed into all pages of their module.
func (s *Server) parsePages() (map[string]*page, error) {
	funcs := (&bound{}).funcs(s)
	base := template.New("base").Option("missingkey=error").Funcs(funcs)
	if _, err := base.ParseFS(kit.Files, "*.html"); err != nil {
		return nil, fmt.Errorf("parse the kit: %w", err)
	}
	if _, err := base.ParseFS(own, "pages/layout.html", "pages/public.html"); err != nil {
		return nil, fmt.Errorf("parse the layout: %w", err)
	}
	pages, bad := map[string]*page{}, []error{}
	for module, files := range s.Files {
		bad = append(bad, parseModule(pages, base, funcs, module, files))
	}
	bad = append(bad, parseModule(pages, base, funcs, "web", own))
	for _, panel := range s.Panels {
		if pages[panel.Page] == nil {
			bad = append(bad, fmt.Errorf("panel %s: no page is called %q", panel.ID, panel.Page))
		}
	}
	return pages, errors.Join(bad...)
}

func parseModule(pages map[string]*page, base *template.Template, funcs template.FuncMap, module string, files fs.FS) error {
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		return fmt.Errorf("list pages of %s: %w", module, err)
	}
	var parts []string
	for _, name := range names {
		if strings.HasPrefix(path.Base(name), "_") {
			parts = append(parts, name)
		}
	}
	for _, name := range names {
		file := path.Base(name)
		if strings.HasPrefix(file, "_") || module == "web" && (file == "layout.html" || file == "public.html") {
			continue
		}
		p := &page{base: base, files: files, names: append(slices.Clip(parts), name), blocks: map[string]bool{}, free: make(chan *bound, 4)}
		set, err := text.New(file).Funcs(funcs).ParseFS(files, p.names...)
		if err != nil {
			return fmt.Errorf("parse page %s/%s: %w", module, file, err)
		}
		for _, t := range set.Templates() {
			p.blocks[t.Name()] = true
		}
		if !p.blocks["panel"] && !(p.blocks["title"] && p.blocks["content"]) {
			return fmt.Errorf(`page %s/%s: it defines neither "title" and "content" nor "panel"`, module, file)
		}
		pages[module+"/"+file] = p
	}
	return nil
}

// wholePage is a header by which htmx asks for all of a page although it has
// a block of the target's name: the filter bar takes its chips from it too.
const wholePage = "Whole-Page"

// Render answers 200 with a page ("customers/list.html") filled with data. An
// htmx request whose target's id is the name of a block in the page gets
// that block alone.
func (r *Request) Render(w http.ResponseWriter, name string, data any) error {
	return r.RenderStatus(w, http.StatusOK, name, data)
}

// RenderStatus is Render with a status: 422 for a form shown again.
func (r *Request) RenderStatus(w http.ResponseWriter, status int, name string, data any) error {
	w.Header().Add("Vary", "HX-Request, HX-Target, Whole-Page")
	if p := r.server.pages[name]; p != nil && r.HTMX() && r.Header.Get(wholePage) == "" {
		if target := r.Header.Get("HX-Target"); target != "" && p.has(target) {
			return r.RenderBlock(w, status, name, target, data)
		}
	}
	shell := "public"
	if r.Staff.ID != 0 {
		shell = "layout"
	}
	all := layoutData{R: r, Page: data}
	all.Nav, all.Around = r.server.navFor(r)
	if n, ok := r.takeFlash(w); ok {
		all.Notices = append(all.Notices, n)
	}
	return r.send(w, status, name, shell, all)
}

// RenderBlock answers with one block of a page, for htmx.
func (r *Request) RenderBlock(w http.ResponseWriter, status int, name, block string, data any) error {
	return r.send(w, status, name, block, data)
}

func (r *Request) send(w http.ResponseWriter, status int, name, block string, data any) error {
	var b bytes.Buffer
	if err := r.execute(&b, name, block, data); err != nil {
		return err
	}
	return r.write(w, status, "text/html; charset=utf-8", b.Bytes())
}

// Fragment renders one block of a page to HTML, to be placed in another.
func (r *Request) Fragment(name, block string, data any) (template.HTML, error) {
	var b bytes.Buffer
	err := r.execute(&b, name, block, data)
	return template.HTML(b.String()), err
}

func (r *Request) execute(b *bytes.Buffer, name, block string, data any) error {
	p := r.server.pages[name]
	if p == nil {
		return fmt.Errorf("no page is called %q", name)
	}
	set, err := p.take(r.server)
	if err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	set.r = r
	err = set.set.ExecuteTemplate(b, block, data)
	set.r = nil
	p.give(set)
	if err != nil {
		return fmt.Errorf("show page %s: %w", name, err)
	}
	p.shown.Store(block, true)
	return nil
}

func (p *page) take(s *Server) (*bound, error) {
	select {
	case b := <-p.free:
		return b, nil
	default:
	}
	set, err := p.base.Clone()
	if err == nil {
		_, err = set.ParseFS(p.files, p.names...)
	}
	if err != nil {
		return nil, err
	}
	b := &bound{set: set}
	set.Funcs(b.funcs(s))
	return b, nil
}

func (p *page) give(b *bound) {
	select {
	case p.free <- b:
	default:
	}
}

// CheckPages finds what only shows when a page is first escaped, such as an
// attribute that is not closed. It takes milliseconds a page, so a test calls
// it and not the start.
func (s *Server) CheckPages() error {
	var bad []error
	for name, p := range s.pages {
		set, err := p.take(s)
		if err != nil {
			return fmt.Errorf("page %s: %w", name, err)
		}
		for _, block := range []string{"layout", "public", "panel"} {
			var unsafe *template.Error
			if block == "panel" && !p.has(block) || block != "panel" && !p.has("content") {
				continue
			}
			if err := set.set.ExecuteTemplate(io.Discard, block, nil); errors.As(err, &unsafe) {
				bad = append(bad, fmt.Errorf("page %s: %w", name, err))
			}
		}
	}
	return errors.Join(bad...)
}

// Unseen returns the pages that this server has shown to nobody. A module's
// test visits its pages and expects none of its own here.
func (s *Server) Unseen() []string {
	var unseen []string
	for name, p := range s.pages {
		var seen atomic.Bool
		p.shown.Range(func(any, any) bool { seen.Store(true); return false })
		if !seen.Load() {
			unseen = append(unseen, name)
		}
	}
	return unseen
}

var gzips = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // a known level: cannot fail
	return z
}}

// write sends a whole answer, packed if that saves packets and is understood.
func (r *Request) write(w http.ResponseWriter, status int, kind string, b []byte) error {
	h := w.Header()
	h.Set("Content-Type", kind)
	if len(b) > 1400 {
		h.Add("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			var packed bytes.Buffer
			z := gzips.Get().(*gzip.Writer)
			z.Reset(&packed)
			_, _ = z.Write(b) // into memory: cannot fail
			_ = z.Close()
			gzips.Put(z)
			b = packed.Bytes()
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	_, _ = w.Write(b) // the reader may have gone; there is nobody to tell
	return nil
}
