package mcp

import (
	"context"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"regulars/internal/know/customers"
	"regulars/internal/measure/retention"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/money"
	"regulars/internal/platform/workspace"
)

func (a asking) figures(s *sdk.Server) {
	offer(a, s, tool{"who_is_slipping_away", "Who is slipping away", "Lists customers of two visits or more whose silence is improbable for them, those who would bring most first, and says what is at stake in all.", "insights:read"}, a.slipping)
	offer(a, s, tool{"who_is_due", "Who is due", "Lists customers whose own rhythm says that they come again between two days; without days, in the coming week.", "insights:read"}, a.due)
	offer(a, s, tool{"best_customers", "The best customers", "Lists the customers who spent most until now, or who are expected to bring most within a year.", "insights:read"}, a.best)
	offer(a, s, tool{"retention_figures", "Retention figures", "Tells the retention rate, the repeat rate, the days between purchases, and what new and returning customers brought by month.", "insights:read"}, a.retention)
	offer(a, s, tool{"cohorts", "Cohorts", "Tells of the customers who first bought in the same month, quarter or year what share bought again in each period after it.", "insights:read"}, a.cohorts)
	offer(a, s, tool{"forecast", "Forecast", "Tells what orders and revenue to expect of the customers already had in a month, a quarter and a year, how well such forecasts did in the past, and how many new customers the growth that is wanted takes.", "insights:read"}, a.forecast)
	offer(a, s, tool{"what_moved_it", "What moved it", "Compares two periods and names the groups (by product, country, channel…) whose change is more than chance.", "insights:read"}, a.moved)
}

type limitIn struct {
	Limit int `json:"limit,omitempty" jsonschema:"at most so many, up to 50; usually 10"`
}

type slippingOut struct {
	AsOf      string      `json:"as_of" jsonschema:"the day of the scores"`
	Customers int64       `json:"customers" jsonschema:"how many slip away in all"`
	AtStake   Amount      `json:"at_stake" jsonschema:"what all of them would bring within a year if they stayed"`
	Page      string      `json:"page" jsonschema:"where a person sees them all"`
	First     []scoredOut `json:"first" jsonschema:"those who would bring most first"`
}

// scoredOut is a customer of a list with what the models say.
type scoredOut struct {
	Person
	LastDay string   `json:"last_day" jsonschema:"of their last purchase"`
	Silent  int32    `json:"silent_days" jsonschema:"days since then; compare usual_gap_days"`
	Visits  int64    `json:"visits" jsonschema:"days on which they bought"`
	Spent   Amount   `json:"spent"`
	Expect  scoreOut `json:"expected"`
}

func (a asking) scored(ctx context.Context, all []scores.Listed, c money.Currency) ([]scoredOut, error) {
	ids := make([]id.Customer, len(all))
	for i, l := range all {
		ids[i] = l.Customer
	}
	people, err := a.named(ctx, ids)
	out := make([]scoredOut, len(all))
	for i, l := range all {
		last, _ := retention.ParseDay(l.LastDay)
		asOf, _ := retention.ParseDay(l.AsOfDay)
		out[i] = scoredOut{people[i], l.LastDay, asOf - last, l.Visits, a.amount(l.Spend, c), *a.score(l.Score, c)}
		out[i].Expect.AsOf = "" // the list says it once
	}
	return out, err
}

// asOf is the day of the scores of a list; empty when nobody stands in it.
func asOf(all []scores.Listed) string {
	if len(all) == 0 {
		return ""
	}
	return all[0].AsOfDay
}

// fitted sees to it that there are scores, and that they are of today's orders
// where no server keeps them so.
func (a asking) fitted(ctx context.Context) error {
	if a.Compute != nil {
		if err := a.Compute(ctx); err != nil {
			return err
		}
	}
	models, err := scores.Models(ctx, a.DB)
	if err == nil && len(models) == 0 {
		err = errs.Missing("mcp.wrong.unscored")
	}
	return err
}

func (a asking) slipping(ctx context.Context, in limitIn) (out slippingOut, err error) {
	if err := a.fitted(ctx); err != nil {
		return out, err
	}
	shop, err := workspace.Load(ctx, a.DB)
	if err != nil {
		return out, err
	}
	n, worth, err := scores.AtStake(ctx, a.DB)
	if err != nil {
		return out, err
	}
	all, err := scores.Slipping(ctx, a.DB, bounded(in.Limit, 10), scores.SlippingCursor{})
	if err != nil {
		return out, err
	}
	out = slippingOut{AsOf: asOf(all), Customers: n, AtStake: a.amount(worth, shop.Currency)}
	if out.Page, err = a.page(ctx, "/insights/value#slipping"); err != nil {
		return out, err
	}
	out.First, err = a.scored(ctx, all, shop.Currency)
	return out, err
}

type dueIn struct {
	From  string `json:"from,omitempty" jsonschema:"the first day: 2026-03-02; usually today"`
	To    string `json:"to,omitempty" jsonschema:"the last day; usually a week later"`
	Limit int    `json:"limit,omitempty" jsonschema:"at most so many, up to 50; usually 10"`
}

type dueOut struct {
	AsOf      string      `json:"as_of" jsonschema:"the day of the scores"`
	From      string      `json:"from"`
	To        string      `json:"to"`
	Page      string      `json:"page" jsonschema:"where a person sees them all"`
	Customers []scoredOut `json:"customers"`
}

func (a asking) due(ctx context.Context, in dueIn) (out dueOut, err error) {
	if err := a.fitted(ctx); err != nil {
		return out, err
	}
	shop, err := workspace.Load(ctx, a.DB)
	if err != nil {
		return out, err
	}
	from, err := day("from", in.From, shop.Day(a.DB.Now()))
	if err != nil {
		return out, err
	}
	to, err := day("to", in.To, retention.DayText(from+7))
	if err != nil {
		return out, err
	}
	out = dueOut{From: retention.DayText(from), To: retention.DayText(to)}
	if out.Page, err = a.page(ctx, "/insights/due"); err != nil {
		return out, err
	}
	all, err := scores.Due(ctx, a.DB, out.From, out.To, bounded(in.Limit, 10), scores.DueCursor{})
	if err != nil {
		return out, err
	}
	out.AsOf = asOf(all)
	out.Customers, err = a.scored(ctx, all, shop.Currency)
	return out, err
}

// day reads a calendar day, or the usual one where none is given.
func day(field, given, usual string) (int32, error) {
	if given == "" {
		given = usual
	}
	d, ok := retention.ParseDay(given)
	if !ok {
		return 0, errs.Wrong(field, "mcp.wrong.day")
	}
	return d, nil
}

type bestIn struct {
	By    string `json:"by,omitempty" jsonschema:"spent: until now, which is usual; expected: within a year to come"`
	Limit int    `json:"limit,omitempty" jsonschema:"at most so many, up to 50; usually 10"`
}

type bestOut struct {
	By        string    `json:"by"`
	Customers []bestOne `json:"customers"`
}

type bestOne struct {
	Person
	Orders   int64   `json:"orders"`
	Spent    Amount  `json:"spent"`
	LastDay  string  `json:"last_day,omitempty"`
	Expected *Amount `json:"expected_value_within_a_year,omitempty"`
}

func (a asking) best(ctx context.Context, in bestIn) (out bestOut, err error) {
	out = bestOut{By: in.By, Customers: []bestOne{}}
	shop, err := workspace.Load(ctx, a.DB)
	if err != nil {
		return out, err
	}
	limit := bounded(in.Limit, 10)
	var ids []id.Customer
	switch in.By {
	case "", "spent":
		out.By = "spent"
		page, err := customers.List(ctx, a.DB, customers.Filter{}, customers.Order{Sort: "spend", Desc: true, Limit: limit})
		if err != nil {
			return out, err
		}
		for _, r := range page.Rows {
			ids = append(ids, r.ID)
			out.Customers = append(out.Customers, bestOne{Orders: r.Orders, Spent: a.amount(r.SpendMinor, shop.Currency), LastDay: r.LastOrderDay})
		}
	case "expected":
		if err := a.fitted(ctx); err != nil {
			return out, err
		}
		all, err := scores.Best(ctx, a.DB, limit)
		if err != nil {
			return out, err
		}
		for _, l := range all {
			value := a.amount(l.Value, shop.Currency)
			ids = append(ids, l.Customer)
			out.Customers = append(out.Customers, bestOne{Orders: l.Orders, Spent: a.amount(l.Spend, shop.Currency), LastDay: l.LastDay, Expected: &value})
		}
	default:
		return out, errs.Wrong("by", "mcp.wrong.by")
	}
	people, err := a.named(ctx, ids)
	for i := range out.Customers {
		out.Customers[i].Person = people[i]
	}
	return out, err
}
