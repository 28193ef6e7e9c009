package importers

import (
	"strconv"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/text"
)

// splitTags takes tags apart: VIP, Blog or "VIP","Blog".
func splitTags(s string) []string {
	var tags []string
	for _, t := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' }) {
		t = text.Short(text.Line(strings.Trim(strings.TrimSpace(t), `"`)), 40)
		if t != "" && len(tags) < 50 {
			tags = append(tags, t)
		}
	}
	return tags
}

// birthday is a day as MM-DD or YYYY-MM-DD; "" where it cannot be told, for
// nobody is left out over it. Shops that know no year write 05/17, the month
// first.
func birthday(cell string, order sheet.DateOrder) string {
	cell = strings.TrimSpace(cell)
	if when, err := sheet.ParseTime(cell, order); err == nil {
		if when.Wall.Year() < 1900 { // a year that stands for none, as phones write it
			return when.Wall.Format("01-02")
		}
		return when.Wall.Format(time.DateOnly)
	}
	bare := strings.TrimPrefix(cell, "--")
	a, b, ok := strings.Cut(strings.NewReplacer("/", "-", ".", "-").Replace(bare), "-")
	if !ok && len(bare) == 4 {
		a, b = bare[:2], bare[2:]
	}
	month, err1 := strconv.Atoi(a)
	day, err2 := strconv.Atoi(strings.Trim(b, " -"))
	if err1 != nil || err2 != nil {
		return ""
	}
	if month > 12 || strings.Contains(cell, ".") || order == sheet.DayFirst && strings.Contains(cell, "/") {
		month, day = day, month
	}
	when := time.Date(2000, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if month < 1 || month > 12 || when.Day() != day {
		return ""
	}
	return when.Format("01-02")
}

// born takes a birthday apart.
func (p Person) born() (monthDay string, year int) {
	switch len(p.Birthday) {
	case len("01-02"):
		return p.Birthday, 0
	case len(time.DateOnly):
		year, _ = strconv.Atoi(p.Birthday[:4])
		return p.Birthday[5:], year
	}
	return "", 0
}

// railsZones are the names of time zones that tills and web shops write for
// people, by the name of the zone.
var railsZones = map[string]string{
	"hawaii": "Pacific/Honolulu", "alaska": "America/Anchorage", "pacific time (us & canada)": "America/Los_Angeles",
	"arizona": "America/Phoenix", "mountain time (us & canada)": "America/Denver", "central time (us & canada)": "America/Chicago",
	"saskatchewan": "America/Regina", "eastern time (us & canada)": "America/New_York", "indiana (east)": "America/Indiana/Indianapolis",
	"atlantic time (canada)": "America/Halifax", "newfoundland": "America/St_Johns", "puerto rico": "America/Puerto_Rico",
	"london": "Europe/London", "edinburgh": "Europe/London", "dublin": "Europe/Dublin", "lisbon": "Europe/Lisbon",
	"madrid": "Europe/Madrid", "paris": "Europe/Paris", "berlin": "Europe/Berlin", "rome": "Europe/Rome", "prague": "Europe/Prague",
	"vienna": "Europe/Vienna", "brussels": "Europe/Brussels", "amsterdam": "Europe/Amsterdam", "sofia": "Europe/Sofia",
	"tokyo": "Asia/Tokyo", "osaka": "Asia/Tokyo", "seoul": "Asia/Seoul", "perth": "Australia/Perth", "adelaide": "Australia/Adelaide",
	"darwin": "Australia/Darwin", "brisbane": "Australia/Brisbane", "sydney": "Australia/Sydney", "melbourne": "Australia/Melbourne",
	"canberra": "Australia/Sydney", "hobart": "Australia/Hobart", "auckland": "Pacific/Auckland",
	"est": "America/New_York", "edt": "America/New_York", "cst": "America/Chicago", "cdt": "America/Chicago",
	"mst": "America/Denver", "mdt": "America/Denver", "pst": "America/Los_Angeles", "pdt": "America/Los_Angeles",
	"gmt": "Europe/London", "bst": "Europe/London", "cet": "Europe/Paris", "cest": "Europe/Paris",
}

// rowZone is the zone that a row names, or that of the file.
func (r *reader) rowZone(name string) (*time.Location, error) {
	if name == "" {
		return r.zone, nil
	}
	if loc, ok := r.zones[name]; ok {
		return loc, nil
	}
	known := name
	if other, ok := railsZones[strings.ToLower(name)]; ok {
		known = other
	}
	loc, err := time.LoadLocation(known)
	if err != nil || known == "Local" {
		return nil, errs.Wrong("", "importers.wrong.zone", "Zone", text.Short(name, 40))
	}
	if r.zones == nil {
		r.zones = map[string]*time.Location{}
	}
	if len(r.zones) < 1000 {
		r.zones[strings.Clone(name)] = loc
	}
	return loc, nil
}
