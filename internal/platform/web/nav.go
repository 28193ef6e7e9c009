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

type navPlace struct {
	Place
	Active bool
}

// navFor returns the places that the person may see, in order; the place
// whose address is the longest beginning of the page's own is active.
func (s *Server) navFor(r *Request) []navSection {
	places := slices.Clone(s.Places)
	slices.SortStableFunc(places, func(a, b Place) int { return cmp.Compare(a.Order, b.Order) })
	active := ""
	for _, p := range places {
		if r.Can(p.Role) && len(p.Href) > len(active) && under(r.URL.Path, p.Href) {
			active = p.Href
		}
	}
	var sections []navSection
	for _, p := range places {
		if !r.Can(p.Role) {
			continue
		}
		i := slices.IndexFunc(sections, func(n navSection) bool { return n.Key == p.Section })
		if i < 0 {
			sections, i = append(sections, navSection{Key: p.Section}), len(sections)
		}
		sections[i].Places = append(sections[i].Places, navPlace{p, p.Href == active})
	}
	return sections
}

func under(path, href string) bool {
	return path == href || href != "/" && strings.HasPrefix(path, href+"/")
}
