package insights

import (
	"fmt"
	"net/http"
	"slices"

	"regulars/internal/measure/retention"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// splitInquiry reads from the address into which groups the cohorts are split,
// and from which event on customers are followed.
func splitInquiry(r *web.Request) inquiry {
	q := r.URL.Query()
	i := inquiry{Question: splitQuestion, Filter: readFilter(q), Split: retention.Split(q.Get("split")), Since: q.Get("since")}
	i.Filter.Window = 0
	if !slices.Contains(retention.Splits, i.Split) {
		i.Split = retention.Together
	}
	if !slices.Contains(cohortStarts, i.Since) {
		i.Since = ""
	}
	return i
}

// cohortChoices are the fields of the filter bar that only cohorts have.
func cohortChoices(r *web.Request) []kit.Field {
	i := splitInquiry(r)
	choose := func(name, now string, values []string) kit.Field {
		f := kit.Field{Kind: "select", Name: name, Label: r.T("insights.filter." + name), Value: now}
		for _, v := range values {
			key := "insights." + name + "." + v
			if v == "" {
				key += "none"
			}
			f.Choices = append(f.Choices, kit.Option{Value: v, Text: r.T(key)})
		}
		return f
	}
	splits := make([]string, len(retention.Splits))
	for n, s := range retention.Splits {
		splits[n] = string(s)
	}
	return []kit.Field{choose("split", string(i.Split), splits), choose("since", i.Since, cohortStarts)}
}

// splitCohorts fills the page with a table for each group.
func (d desk) splitCohorts(r *web.Request, p *cohortsPage, i inquiry) error {
	var g cohortGroups
	var err error
	if p.frame, err = d.inquire(r, "cohorts", i, &g); err != nil {
		return err
	}
	standing, _, err := d.kept.read(r.Context(), d.db, Standing, r.Now)
	if err != nil {
		return err
	}
	if p.Filter, err = d.bar(r, "cohorts", i.Filter, &standing); err != nil {
		return err
	}
	if p.Fig == nil {
		return nil
	}
	p.Notes = notes(r, &Result{Figures: Figures{LeftOut: g.LeftOut}})
	if len(g.Groups) == 0 {
		blank := kit.Empty{Icon: "filter", Title: r.T("insights.none.title"), Text: r.T("insights.cohorts.nobody"),
			Action: kit.Link{Href: r.Href(r.URL.Path), Text: r.T("insights.none.all")}}
		p.Blank, p.Fig = &blank, nil
		return nil
	}
	for n, one := range g.Groups {
		t := cohortTable{}
		if i.Split != "" {
			t.Title = groupText(r, i.Split, one.Label) + " · " + r.Print.N("insights.cohorts.size", int(one.Size))
		}
		t.Heat = cohortHeat(r, fmt.Sprintf("cohorts-%d", n+1), groupText(r, i.Split, one.Label), one.Rows, p.View)
		if i.Since != "" { // another beginning than the first purchase
			t.Heat.Corner = r.T("insights.since." + i.Since)
			t.Heat.Across = r.T("insights.cohorts.after." + i.Filter.By.String())
		}
		p.Heats = append(p.Heats, t)
	}
	if i.Since != "" {
		p.Since = r.T("insights.cohorts.since", "Event", r.T("insights.since."+i.Since))
	}
	if g.Others > 0 {
		p.Others = r.Print.N("insights.cohorts.others", int(g.Others))
	}
	return nil
}

// groupText names a group of customers.
func groupText(r *web.Request, split retention.Split, label string) string {
	switch {
	case split == retention.Together:
		return ""
	case label == "":
		return r.T("insights.split.without." + string(split))
	case split == retention.ByCountry:
		return labelOf(r, byCountry, label)
	}
	return label
}

// cohortsExport answers with the tables as one file.
func (d desk) cohortsExport(w http.ResponseWriter, r *web.Request) error {
	i := splitInquiry(r)
	if i.Split == "" && i.Since == "" {
		return d.file("cohorts", cohortsFile)(w, r)
	}
	var g cohortGroups
	return d.inquiryFile(w, r, "cohorts", i, &g, func() sheet { return cohortsSheet(r, g.Groups, i.Split != "") })
}
