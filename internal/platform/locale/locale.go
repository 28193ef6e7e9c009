// Package locale speaks to people in their own language: the sentences of
// the message catalogues, with plurals, and numbers, money, days and times as
// that language writes them.
//
// Its one rule: every text a person reads has a key in a catalogue; a key
// that is missing is shown as ⟦key⟧, so that a page test cannot overlook it.
package locale

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Catalog holds the messages of all modules in all languages. It does not
// change after Load and is safe for use by many goroutines.
type Catalog struct {
	bundle  *i18n.Bundle
	keys    map[string]map[string]string // language → key → file it came from
	have    []language.Tag               // the languages of the bundle, as the matcher numbers them
	matcher language.Matcher
}

// Load reads text/<language>.json of each file system. A key given twice in
// one language, a broken file, or a key of another language that English
// lacks is an error that names the file.
func Load(files ...fs.FS) (*Catalog, error) {
	c := &Catalog{bundle: i18n.NewBundle(language.English), keys: map[string]map[string]string{}}
	for _, f := range append([]fs.FS{own}, files...) {
		names, err := fs.Glob(f, "text/*.json")
		if err != nil {
			return nil, fmt.Errorf("list catalogues: %w", err)
		}
		for _, name := range names {
			if err := c.add(f, name); err != nil {
				return nil, err
			}
		}
	}
	for lang, keys := range c.keys {
		for key, file := range keys {
			if _, ok := c.keys["en"][key]; !ok {
				return nil, fmt.Errorf("%s in %s: %q is not in the English catalogue", file, lang, key)
			}
		}
	}
	c.have = c.bundle.LanguageTags()
	c.matcher = language.NewMatcher(c.have) // costs as much as all the rest of a request
	return c, nil
}

func (c *Catalog) add(f fs.FS, name string) error {
	b, err := fs.ReadFile(f, name)
	if err != nil {
		return fmt.Errorf("read catalogue: %w", err)
	}
	lang := strings.TrimSuffix(path.Base(name), ".json")
	tag, err := language.Parse(lang)
	if err != nil {
		return fmt.Errorf("catalogue %s: the file name is not a language: %w", name, err)
	}
	parsed, err := i18n.ParseMessageFileBytes(b, name, map[string]i18n.UnmarshalFunc{"json": json.Unmarshal})
	if err != nil {
		return fmt.Errorf("catalogue %s: %w", name, err)
	}
	if c.keys[lang] == nil {
		c.keys[lang] = map[string]string{}
	}
	for _, m := range parsed.Messages {
		if _, twice := c.keys[lang][m.ID]; twice {
			return fmt.Errorf("catalogue %s in %s: %q is there already", name, lang, m.ID)
		}
		c.keys[lang][m.ID] = name
	}
	if err := c.bundle.AddMessages(tag, parsed.Messages...); err != nil {
		return fmt.Errorf("catalogue %s: %w", name, err)
	}
	return nil
}

// Has reports whether the English catalogue has the key.
func (c *Catalog) Has(key string) bool {
	_, ok := c.keys["en"][key]
	return ok
}

// Keys returns the keys of a language in alphabetical order.
func (c *Catalog) Keys(lang string) []string {
	all := make([]string, 0, len(c.keys[lang]))
	for key := range c.keys[lang] {
		all = append(all, key)
	}
	sort.Strings(all)
	return all
}

// Languages returns the languages that have a catalogue, English first.
func (c *Catalog) Languages() []string {
	all := []string{"en"}
	for lang := range c.keys {
		if lang != "en" {
			all = append(all, lang)
		}
	}
	slices.Sort(all[1:])
	return all
}

// For returns a printer in the first of the wanted languages that has a
// catalogue, else English. A wanted language may be a tag ("cs", "pt-BR") or
// a whole Accept-Language header. Times are shown in UTC until In is called.
func (c *Catalog) For(langs ...string) *Printer {
	var wanted []language.Tag
	for _, l := range langs {
		if tags, _, err := language.ParseAcceptLanguage(l); err == nil {
			wanted = append(wanted, tags...)
		}
	}
	_, i, sure := c.matcher.Match(wanted...)
	lang := "en"
	if sure > language.No {
		base, _ := c.have[i].Base()
		lang = base.String()
	}
	return &Printer{
		Lang: lang, zone: time.UTC, catalog: c, style: styleOf(lang),
		localizer: i18n.NewLocalizer(c.bundle, lang),
	}
}

// Printer writes one language, in one time zone.
type Printer struct {
	Lang string // the language's tag, as in the html lang attribute

	catalog   *Catalog
	localizer *i18n.Localizer
	style     *style
	zone      *time.Location
}

// In returns the same printer showing times in the given zone.
func (p *Printer) In(zone *time.Location) *Printer {
	q := *p
	q.zone = zone
	return &q
}

// Zone is the time zone that times are shown in.
func (p *Printer) Zone() *time.Location { return p.zone }

// T returns the message of a key. Args are names and values in turn for the
// {{.Name}} places of the message: T("orders.sent", "Day", day).
func (p *Printer) T(key string, args ...any) string {
	return p.message(key, nil, args)
}

// TOr is T of a message without arguments that may not be there, such as the
// title of what another version of the program does: then it is otherwise.
func (p *Printer) TOr(key, otherwise string) string {
	if text, _ := p.localizer.Localize(&i18n.LocalizeConfig{MessageID: key}); text != "" {
		return text
	}
	return otherwise
}

// N returns the message of a key in the plural form of count. The message
// writes {{.Count}} for the count as the language groups its digits.
func (p *Printer) N(key string, count int, args ...any) string {
	return p.message(key, count, append(args, "Count", p.Int(int64(count))))
}

func (p *Printer) message(key string, count any, args []any) string {
	data := make(map[string]any, len(args)/2)
	for i := 0; i+1 < len(args); i += 2 {
		name, ok := args[i].(string)
		if !ok {
			return "⟦" + key + ": arguments are names and values in turn⟧"
		}
		data[name] = args[i+1]
	}
	text, _ := p.localizer.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data, PluralCount: count})
	// With Go templates a forgotten argument prints this; it must be as loud
	// as a missing key.
	if text == "" || len(args)%2 != 0 || strings.Contains(text, "<no value>") {
		return "⟦" + key + "⟧"
	}
	return text
}
