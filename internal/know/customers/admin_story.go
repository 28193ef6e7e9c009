package customers

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

const storyLength = 30

// fillStory reads the timeline: of one group, or from an older event on.
func (d desk) fillStory(ctx context.Context, r *web.Request, p *customerPage) error {
	c, q := p.Customer.ID, r.URL.Query()
	group := q.Get("group")
	if !slices.Contains(d.groups, group) {
		group = ""
	}
	filter := timeline.Filter{Limit: storyLength + 1, Before: readMoment(q.Get("before"))}
	counts, err := timeline.Counts(ctx, d.db, c)
	if err != nil {
		return err
	}
	for name, kind := range d.kinds {
		if group != "" && kind.Group == group {
			filter.Kinds = append(filter.Kinds, name)
		}
	}
	slices.Sort(filter.Kinds)
	events, err := timeline.List(ctx, d.db, c, filter)
	if err != nil {
		return err
	}
	older := ""
	if len(events) > storyLength {
		events = events[:storyLength]
		last := events[storyLength-1]
		older = kit.With(r.Href(customerPath(c, "")), url.Values{}, "group", group,
			"before", fmt.Sprintf("%d.%d", last.OccurredAt.UnixMicro(), last.ID)) + "#story"
	}
	p.Tabs = d.storyTabs(r, c, group, counts)
	p.Story, err = d.tellStory(ctx, r, c, events)
	p.Story.Older = older
	return err
}

// readMoment reads the cursor of the link to older events.
func readMoment(s string) timeline.Cursor {
	at, event, ok := strings.Cut(s, ".")
	micros, err1 := strconv.ParseInt(at, 10, 64)
	n, err2 := strconv.ParseInt(event, 10, 64)
	if !ok || err1 != nil || err2 != nil {
		return timeline.Cursor{}
	}
	return timeline.Cursor{OccurredAt: moment(micros), ID: id.Event(n)}
}

// groupsOf are the groups of events, those of conversations and orders first.
func groupsOf(kinds timeline.Kinds) []string {
	var groups []string
	for _, k := range kinds {
		if !slices.Contains(groups, k.Group) {
			groups = append(groups, k.Group)
		}
	}
	rank := func(g string) int { return slices.Index([]string{"consent", "profile", "conversations", "orders"}, g) }
	slices.SortFunc(groups, func(a, b string) int {
		if d := rank(b) - rank(a); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return groups
}

func (d desk) storyTabs(r *web.Request, c id.Customer, active string, counts map[string]int) kit.Tabs {
	sums, all := map[string]int{}, 0
	for kind, n := range counts {
		sums[d.kinds[kind].Group] += n
		all += n
	}
	path := r.Href(customerPath(c, ""))
	tabs := kit.Tabs{Label: r.T("customers.story.filter"), Tabs: []kit.Tab{
		{Link: kit.Link{Href: path, Text: r.T("customers.group.all")}, Count: r.Print.Int(int64(all)), Active: active == ""}}}
	for _, g := range d.groups {
		if sums[g] > 0 || g == active {
			tabs.Tabs = append(tabs.Tabs, kit.Tab{Link: kit.Link{Href: path + "?group=" + url.QueryEscape(g), Text: r.T("customers.group." + g)},
				Count: r.Print.Int(int64(sums[g])), Active: g == active})
		}
	}
	return tabs
}

// tellStory makes the lines of events, by month, with the texts of notes and
// the names of staff beside them.
func (d desk) tellStory(ctx context.Context, r *web.Request, c id.Customer, events []timeline.Event) (kit.Timeline, error) {
	story := kit.Timeline{Label: r.T("customers.story")}
	var notes []int64
	var actors []id.User
	for _, e := range events {
		if e.Kind == kindNote || e.Kind == kindCall {
			notes = append(notes, e.Ref)
		}
		if e.Actor != 0 {
			actors = append(actors, e.Actor)
		}
	}
	texts, err := bodies(ctx, d.db, c, notes)
	if err != nil {
		return story, err
	}
	names, err := staffNames(ctx, d.db, actors)
	if err != nil {
		return story, err
	}
	for _, e := range events {
		line, err := d.kinds.Tell(r.Print, e)
		if err != nil {
			return story, err
		}
		local := e.OccurredAt.In(r.Print.Zone())
		if title := r.Print.MonthLong(local.Format(time.DateOnly)); len(story.Groups) == 0 || story.Groups[len(story.Groups)-1].Title != title {
			story.Groups = append(story.Groups, kit.MomentGroup{Title: title})
		}
		g := &story.Groups[len(story.Groups)-1]
		m := d.moment(r, e, line, texts[e.Ref], names[e.Actor])
		if texts[e.Ref] != "" && (e.Kind == kindNote || e.Kind == kindCall) && r.Can(web.Agent) {
			if m.Detail, err = r.Fragment("customers/customer.html", "take-back", noteLine{c, e.Ref}); err != nil {
				return story, err
			}
		}
		g.Moments = append(g.Moments, m)
	}
	return story, nil
}

func (d desk) moment(r *web.Request, e timeline.Event, line timeline.Line, note, actor string) kit.Moment {
	m := kit.Moment{Icon: d.kinds[e.Kind].Icon, Tone: kit.Tone(line.Tone), Title: line.Text, Text: line.Detail,
		When: r.Print.Time(e.OccurredAt), ISO: e.OccurredAt.UTC().Format(time.RFC3339)}
	if m.Icon == "" {
		m.Icon = "activity"
	}
	if line.Href != "" {
		m.Href = r.Href(line.Href)
	}
	if note != "" {
		m.Text = note
	}
	if actor != "" {
		m.When += " · " + actor
	}
	return m
}
