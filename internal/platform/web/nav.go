package web

import (
	"cmp"
	"slices"
	"strings"
)

// navSection is a titled group of places as one person sees it.
type navSection struct {
	Key    string
	Places []navPlace
}

// navPlace is one line of it. Inside are itself and the places under it: a row on
// top of each of their pages.
type navPlace struct {
	Place
	Active bool
	Inside []navPlace
}

// navFor returns the lines of the navigation that the person may see, in order,
// and the row of places around the page itself. Of all places the one whose
// address is the longest beginning of the page's own is active.
func (s *Server) navFor(r *Request) (sections []navSection, around []navPlace) {
	places := slices.Clone(s.Places)
	slices.SortStableFunc(places, func(a, b Place) int { return cmp.Compare(a.Order, b.Order) })
	active := ""
	for _, p := range places {
		for _, href := range []string{p.Href, p.Also} {
			if r.Can(p.Role) && href != "" && under(r.URL.Path, href) && len(href) > len(active) {
				active = href
			}
		}
	}
	for _, head := range places {
		line, ok := navLine(r, head, places, active)
		if !ok {
			continue
		}
		i := slices.IndexFunc(sections, func(n navSection) bool { return n.Key == head.Section })
		if i < 0 {
			sections, i = append(sections, navSection{Key: head.Section}), len(sections)
		}
		sections[i].Places = append(sections[i].Places, line)
		if line.Active && len(line.Inside) > 1 {
			around = line.Inside
		}
	}
	return sections, around
}

// navLine is the line of a place and all that stand under it. It leads to the
// first that the person may see; a single one stands for itself.
func navLine(r *Request, head Place, places []Place, active string) (navPlace, bool) {
	if head.Under != "" {
		return navPlace{}, false
	}
	line := navPlace{Place: head}
	for _, p := range places {
		if !r.Can(p.Role) || p.Href != head.Href && p.Under != head.Href {
			continue
		}
		on := active != "" && (p.Href == active || p.Also == active)
		line.Active = line.Active || on
		line.Inside = append(line.Inside, navPlace{Place: p, Active: on})
	}
	switch len(line.Inside) {
	case 0:
		return line, false
	case 1:
		line.Place = line.Inside[0].Place
	default:
		line.Href = line.Inside[0].Href
	}
	return line, true
}

// Name is the key of what a place is called among those under it.
func (p navPlace) Name() string { return cmp.Or(p.Within, p.Key) }

func under(path, href string) bool {
	return path == href || href != "/" && strings.HasPrefix(path, href+"/")
}
