package mcp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"regulars/internal/doors/mcp"
	"regulars/internal/know/customers"
	"regulars/internal/know/facts"
	"regulars/internal/know/orders"
	"regulars/internal/know/timeline"
	"regulars/internal/measure/insights"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
	"regulars/internal/platform/workspace"
	"regulars/internal/testkit"
)

// shop is a store with two years of orders, and the door for assistants.
type shop struct {
	t    *testing.T
	db   *store.DB
	door *mcp.Door
	anna id.Customer
	tea  id.Product
}

func each(t *testing.T, test func(t *testing.T, s shop)) {
	testkit.Each(t, func(t *testing.T, db *store.DB) { test(t, build(t, db)) })
}

func build(t *testing.T, db *store.DB) shop {
	t.Helper()
	s := shop{t: t, db: db}
	s.open()
	s.fill()
	return s
}

func (s *shop) open() {
	s.t.Helper()
	catalog, err := locale.Load(web.Text(), users.Files, workspace.Files, customers.Files, orders.Files, scores.Files, insights.Files, mcp.Files, store.Files, jobs.Files)
	if err != nil {
		s.t.Fatal(err)
	}
	s.door = mcp.Open(mcp.Door{DB: s.db, Kinds: timeline.NewKinds(customers.Kinds, orders.Kinds), Catalog: catalog, Version: "1.2.3",
		Log:     slog.New(slog.NewTextHandler(s.t.Output(), nil)),
		Address: func(context.Context) (string, error) { return "https://shop.example", nil },
		Compute: func(ctx context.Context) error { return jobs.Drain(ctx, s.db, insights.Jobs(s.db)) }})
}

// fill makes customers with rhythms of their own, of whom some have stopped.
func (s *shop) fill() {
	s.t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	day := 24 * time.Hour
	testkit.Do(s.t, s.db, func(tx *store.Tx) error {
		if err := workspace.Save(s.t.Context(), tx, 0, workspace.Settings{Name: "Corner Coffee", Colour: "#0f766e", Country: "GB", Zone: "Europe/London", Currency: "GBP", Languages: []string{"en"}}); err != nil {
			return err
		}
		products, err := orders.EnsureProducts(s.t.Context(), tx, []orders.NewProduct{{SKU: "tea", Name: "Green tea"}, {SKU: "cup", Name: "Cup"}})
		if err != nil {
			return err
		}
		s.tea = products["tea"]
		ps := make([]customers.Profile, 120)
		for i := range ps {
			ps[i] = customers.Profile{Name: fmt.Sprintf("Person %03d", i), Source: "staff", JoinedAt: tx.Now.Add(-700 * day),
				Identities: []customers.Identity{{Kind: customers.Email, Value: fmt.Sprintf("person%d@zanzibar.example", i)}}}
		}
		ps[0].Name, ps[0].Tags = "Anna Zanzibar", []string{"vip"}
		made, err := customers.CreateMany(s.t.Context(), tx, ps)
		if err != nil {
			return err
		}
		s.anna = made[0]
		var sales []orders.Sale
		for i, c := range made {
			gap := time.Duration(10+r.IntN(50)) * day
			stop := 0 * day
			if i%4 == 0 { // they used to come and do no more
				stop = gap * time.Duration(14+r.IntN(30)) / 10
			}
			first := 690*day - time.Duration(r.IntN(200))*day
			if i%10 == 1 { // won within the last year
				first -= 400 * day
			}
			for at := first; at > stop; at -= gap/2 + time.Duration(r.Int64N(int64(gap))) {
				amount := int64(500 + r.IntN(3000))
				sales = append(sales, orders.Sale{Customer: c, Number: fmt.Sprintf("n-%d", len(sales)), Source: "till", At: tx.Now.Add(-at), Channel: "store",
					Lines: []orders.Line{{Product: s.tea, Quantity: 1000, Price: amount, Scale: 2, Total: amount}}})
			}
		}
		if _, err = orders.PlaceMany(s.t.Context(), tx, sales); err != nil {
			return err
		}
		box := orders.SubscriptionNews{Customer: s.anna, Source: "shop", External: "box", At: tx.Now.Add(-60 * day),
			Terms: orders.Terms{Plan: "Tea box", Status: orders.Active, Amount: 700, Currency: "GBP", Unit: "month", Every: 1, Quantity: 1}}
		if _, err = orders.Subscribe(s.t.Context(), tx, box); err != nil {
			return err
		}
		box.At, box.Amount, box.CancelAt = tx.Now.Add(-20*day), 900, time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
		if _, err = orders.Subscribe(s.t.Context(), tx, box); err != nil {
			return err
		}
		_, err = orders.Renew(s.t.Context(), tx, orders.Renewal{Source: "shop", External: "box", Number: "i-7", PaidAt: tx.Now.Add(-10 * day), Amount: 900, Currency: "GBP"})
		return err
	})
	subscriptions := []timeline.Subscription{facts.Subscription, scores.Subscription, insights.Subscription}
	work := slices.Concat(timeline.Jobs(s.db, subscriptions), customers.Jobs(s.db), facts.Jobs(s.db), insights.Jobs(s.db))
	if err := jobs.Drain(s.t.Context(), s.db, work); err != nil {
		s.t.Fatal(err)
	}
	if _, err := scores.Refresh(s.t.Context(), s.db); err != nil {
		s.t.Fatal(err)
	}
}

// may is a caller with these scopes.
func may(scopes ...string) mcp.Caller {
	return mcp.Caller{May: func(s string) bool { return slices.Contains(scopes, s) }}
}

var all = []string{"customers:read", "orders:read", "products:read", "insights:read", "customers:write"}

// piped connects the SDK's own client over a pair of streams, as stdin and
// stdout are.
func (s shop) piped(c mcp.Caller) *sdk.ClientSession {
	s.t.Helper()
	toServer, fromClient := io.Pipe()
	toClient, fromServer := io.Pipe()
	ctx, stop := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.door.Serve(ctx, c, toServer, fromServer) }()
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(s.t.Context(), &sdk.IOTransport{Reader: toClient, Writer: fromClient}, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		session.Close()
		stop()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			s.t.Error("the server goes on after its assistant hung up")
		}
	})
	return session
}

// bearer sends a key with each request.
type bearer struct{ token string }

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if b.token != "" {
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// over connects the client over HTTP, through the pages' own server.
func (s shop) over(c mcp.Caller, token string) (*sdk.ClientSession, error) {
	s.t.Helper()
	server, err := web.New(web.Config{Catalog: s.door.Catalog, Shop: workspace.Shop(s.db), Now: s.db.Now, Log: slog.New(slog.DiscardHandler),
		Routes: s.door.Routes(func(w http.ResponseWriter, r *web.Request) (mcp.Caller, error) {
			if r.Header.Get("Authorization") != "Bearer right" {
				return c, errs.Of(errs.SignIn, nil, "web.error.sign-in.text")
			}
			return c, nil
		})})
	if err != nil {
		s.t.Fatal(err)
	}
	listening := httptest.NewServer(server)
	s.t.Cleanup(listening.Close)
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(s.t.Context(),
		&sdk.StreamableClientTransport{Endpoint: listening.URL + "/mcp", HTTPClient: &http.Client{Transport: bearer{token}}}, nil)
	if err == nil {
		s.t.Cleanup(func() { session.Close() })
	}
	return session, err
}

// ask calls a tool and reads its answer, which must be short.
func ask[T any](t *testing.T, session *sdk.ClientSession, name string, args any) (out T, refused string) {
	t.Helper()
	result, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: name, Arguments: args})
	if err != nil {
		return out, err.Error()
	}
	b, err := json.Marshal(result.StructuredContent)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 60_000 {
		t.Errorf("%s answers with %d bytes", name, len(b))
	}
	if result.IsError {
		text, _ := result.Content[0].(*sdk.TextContent)
		return out, text.Text
	}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatalf("%s: %s: %v", name, b, err)
	}
	return out, ""
}

type object = map[string]any

func tools(t *testing.T, session *sdk.ClientSession) (names []string) {
	t.Helper()
	list, err := session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
		if writes := slices.Contains([]string{"add_note", "log_call", "tag"}, tool.Name); tool.Annotations.ReadOnlyHint == writes {
			t.Errorf("%s says that it only reads: %v", tool.Name, tool.Annotations.ReadOnlyHint)
		}
	}
	slices.Sort(names)
	return names
}

// doors runs a test over both transports.
func doors(t *testing.T, s shop, c mcp.Caller, test func(t *testing.T, session *sdk.ClientSession)) {
	t.Run("streams", func(t *testing.T) {
		s.t = t
		test(t, s.piped(c))
	})
	t.Run("http", func(t *testing.T) {
		s.t = t
		session, err := s.over(c, "right")
		if err != nil {
			t.Fatal(err)
		}
		test(t, session)
	})
}

func TestAnAssistantLearnsWhoIsSlippingAway(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		doors(t, s, may(all...), func(t *testing.T, session *sdk.ClientSession) {
			out, refused := ask[struct {
				Customers int64
				AtStake   mcp.Amount `json:"at_stake"`
				AsOf      string     `json:"as_of"`
				Page      string
				First     []struct {
					ID, Name, Page string
					LastDay        string `json:"last_day"`
					Silent         int    `json:"silent_days"`
					Expected       object
				}
			}](t, session, "who_is_slipping_away", object{"limit": 5})
			want, worth, err := scores.AtStake(t.Context(), s.db)
			if err != nil || want == 0 {
				t.Fatalf("%d slip away, %v", want, err)
			}
			list, err := scores.Slipping(t.Context(), s.db, 5, scores.SlippingCursor{})
			if err != nil {
				t.Fatal(err)
			}
			if refused != "" || out.Customers != want || out.AtStake.Minor != worth || !strings.HasPrefix(out.AtStake.Text, "£") || len(out.First) != len(list) {
				t.Fatalf("%+v %s, want %d at %d", out, refused, want, worth)
			}
			if out.AsOf != list[0].AsOfDay || out.Page != "https://shop.example/insights/value#slipping" {
				t.Errorf("as of %q at %q", out.AsOf, out.Page)
			}
			for i, l := range list {
				last, err := time.Parse(time.DateOnly, out.First[i].LastDay)
				if err != nil || last.AddDate(0, 0, out.First[i].Silent).Format(time.DateOnly) != out.AsOf {
					t.Errorf("silent for %d days after %s, on %s", out.First[i].Silent, out.First[i].LastDay, out.AsOf)
				}
				if out.First[i].Page != "https://shop.example/customers/"+l.Customer.String() {
					t.Errorf("their page is %q", out.First[i].Page)
				}
				if out.First[i].ID != l.Customer.String() || out.First[i].Name != l.Name || out.First[i].Expected["late"] != true {
					t.Errorf("place %d: %+v, want %s", i, out.First[i], l.Name)
				}
			}
			// The id leads on.
			one, refused := ask[object](t, session, "customer", object{"customer": out.First[0].ID})
			if refused != "" || one["name"] != list[0].Name || one["expected"] == nil {
				t.Errorf("%v %s", one, refused)
			}
		})
	})
}

func TestEveryToolAnswersWithWhatThePagesSay(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		doors(t, s, may(all...), func(t *testing.T, session *sdk.ClientSession) {
			get := func(name string, args object) object {
				t.Helper()
				out, refused := ask[object](t, session, name, args)
				if refused != "" {
					t.Errorf("%s: %s", name, refused)
				}
				return out
			}
			found := get("find_customer", object{"query": "anna zan"})["customers"].([]any)
			if len(found) != 1 || found[0].(object)["id"] != s.anna.String() {
				t.Fatalf("found %v", found)
			}
			f, err := facts.Of(t.Context(), s.db, s.anna)
			if err != nil {
				t.Fatal(err)
			}
			anna := get("customer", object{"customer": s.anna.String()})
			if bought := anna["bought"].(object); bought["orders"] != float64(f.Orders) || bought["spent"].(object)["minor"] != float64(f.Spend) ||
				!slices.Equal(anna["tags"].([]any), []any{"vip"}) || len(anna["lately"].([]any)) != min(20, int(f.Events)) || anna["email"] != "person0@zanzibar.example" {
				t.Errorf("Anna is %v", anna)
			}
			list, err := orders.Of(t.Context(), s.db, s.anna, 3)
			if err != nil {
				t.Fatal(err)
			}
			told := get("orders_of", object{"customer": s.anna.String(), "limit": 3})["orders"].([]any)
			if len(told) != 3 || told[0].(object)["id"] != list[0].ID.String() || told[0].(object)["lines"].([]any)[0].(object)["name"] != "Green tea" {
				t.Errorf("her orders are %v", told)
			}
			running := get("subscriptions", object{"status": "running", "customer": s.anna.String()})["subscriptions"].([]any)
			if len(running) != 1 || running[0].(object)["plan"] != "Tea box" || running[0].(object)["a_month"].(object)["minor"] != 900.0 ||
				running[0].(object)["customer"].(object)["name"] != "Anna Zanzibar" || running[0].(object)["ends_on"] != "2026-06-01" {
				t.Errorf("her subscriptions are %v", running)
			}
			if over := get("subscriptions", object{"status": "cancelled"})["subscriptions"].([]any); len(over) != 0 {
				t.Errorf("cancelled are %v", over)
			}
			box := get("subscription", object{"customer": s.anna.String(), "subscription": running[0].(object)["id"]})
			if history, paid := box["history"].([]any), box["renewals"].([]any); len(history) != 2 || history[0].(object)["a_month"].(object)["minor"] != 700.0 ||
				len(paid) != 1 || paid[0].(object)["number"] != "i-7" {
				t.Errorf("her tea box is %v", box)
			}
			best := get("best_customers", object{})["customers"].([]any)
			page, err := customers.List(t.Context(), s.db, customers.Filter{}, customers.Order{Sort: "spend", Desc: true, Limit: 10})
			if err != nil || len(best) != 10 || best[0].(object)["id"] != page.Rows[0].ID.String() {
				t.Errorf("the best are %v, %v", best, err)
			}
			if hope := get("best_customers", object{"by": "expected", "limit": 3})["customers"].([]any); len(hope) != 3 || hope[0].(object)["expected_value_within_a_year"] == nil {
				t.Errorf("who brings most: %v", hope)
			}
			due := get("who_is_due", object{"from": "2026-03-02", "to": "2026-03-20", "limit": 4})["customers"].([]any)
			want, err := scores.Due(t.Context(), s.db, "2026-03-02", "2026-03-20", 4, scores.DueCursor{})
			if err != nil || len(due) != len(want) || len(want) == 0 || due[0].(object)["id"] != want[0].Customer.String() {
				t.Errorf("due are %v, want %v", due, want)
			}
			figures := get("retention_figures", object{})
			kept, ok, err := insights.Read(t.Context(), s.db, insights.Standing, s.db.Now())
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			rate, _ := kept.Base.Retention()
			if figures["orders"] != float64(kept.Repeat.Orders) || math.Abs(figures["retention_rate"].(object)["rate"].(float64)-rate) > 0.0001 || len(figures["months"].([]any)) != 12 {
				t.Errorf("figures %v, want %v", figures, rate)
			}
			if store := get("retention_figures", object{"channel": "store", "from": "2025-06-01"}); store["from"] != "2025-06-01" {
				t.Errorf("of the store: %v", store)
			}
			if rows := get("cohorts", object{"by": "quarter"})["cohorts"].([]any); len(rows) == 0 || rows[0].(object)["customers"] == float64(0) {
				t.Errorf("cohorts %v", rows)
			}
			if err := s.db.Tx(t.Context(), func(tx *store.Tx) error {
				return insights.SaveCosts(t.Context(), tx, insights.Costs{WinMinor: 2000, Growth: 250})
			}); err != nil {
				t.Fatal(err)
			}
			forecast := get("forecast", object{})
			ahead := forecast["horizons"].([]any)
			goal, err := insights.ReadGoal(t.Context(), s.db, s.db.Now())
			if err != nil || goal == nil || goal.Needed == nil || *goal.Needed == 0 || goal.Cost == nil {
				t.Fatalf("the goal takes %+v, %v", goal, err)
			}
			if told, _ := forecast["growth_goal"].(object); told["new_customers_needed"] != *goal.Needed ||
				told["cost_of_winning_them"].(object)["minor"] != math.Round(*goal.Cost) || told["revenue_of_the_year_to_come_with_the_growth_wanted"].(object)["minor"] != math.Round(goal.Goal) {
				t.Errorf("the goal takes %v, want %+v", forecast["growth_goal"], goal)
			}
			if len(ahead) != 3 || !strings.Contains(ahead[2].(object)["revenue"].(string), "£") {
				t.Errorf("forecast %v", ahead)
			}
			moved := get("what_moved_it", object{"compare": "days90"})
			if moved["after"].(object)["orders"] == float64(0) || moved["after"].(object)["to"] == "" {
				t.Errorf("what moved: %v", moved)
			}
			products := get("products", object{"query": "green"})["products"].([]any)
			if len(products) != 1 || products[0].(object)["id"] != s.tea.String() {
				t.Fatalf("products %v", products)
			}
			sold, err := orders.SoldOf(t.Context(), s.db, s.tea)
			if tea := get("product", object{"product": s.tea.String()}); err != nil || tea["buyers"] != float64(sold.Buyers) || tea["sold_for"].(object)["minor"] != float64(sold.Amount) {
				t.Errorf("tea %v, %v", tea, err)
			}
		})
	})
}

func TestWithoutLeaveToWriteThereIsNothingToWriteWith(t *testing.T) {
	s := build(t, testkit.DB(t))
	doors(t, s, may(all[:4]...), func(t *testing.T, session *sdk.ClientSession) {
		if got := tools(t, session); len(got) != 14 || slices.Contains(got, "add_note") {
			t.Errorf("tools %v", got)
		}
		before, err := timeline.Counts(t.Context(), s.db, s.anna)
		if err != nil {
			t.Fatal(err)
		}
		if _, refused := ask[object](t, session, "add_note", object{"customer": s.anna.String(), "text": "x"}); refused == "" {
			t.Error("a note was written")
		}
		if after, err := timeline.Counts(t.Context(), s.db, s.anna); err != nil || after["note.added"] != before["note.added"] {
			t.Errorf("%v, %v", after, err)
		}
	})
}

func TestWithLeaveToWriteNotesCallsAndTagsAreTheCallers(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		c := may(all...)
		c.Staff = web.Staff{ID: 42, Role: web.Agent}
		doors(t, s, c, func(t *testing.T, session *sdk.ClientSession) {
			for name, args := range map[string]object{
				"add_note": {"text": "likes jazz"}, "log_call": {"direction": "out", "outcome": "reached", "text": "comes on Friday"}, "tag": {"tags": []string{"jazz " + t.Name()}},
			} {
				args["customer"] = s.anna.String()
				if out, refused := ask[object](t, session, name, args); refused != "" || out["done"] != true {
					t.Errorf("%s: %v %s", name, out, refused)
				}
			}
			latest, err := timeline.List(t.Context(), s.db, s.anna, timeline.Filter{Kinds: []string{"note.added", "call.logged", "customer.tagged"}, Limit: 3})
			if err != nil || len(latest) != 3 {
				t.Fatalf("%v, %v", latest, err)
			}
			for _, e := range latest {
				if e.Actor != 42 || e.Source != "assistant" {
					t.Errorf("%s is of %s by %s", e.Kind, e.Source, e.Actor)
				}
			}
			if _, refused := ask[object](t, session, "log_call", object{"customer": s.anna.String(), "direction": "up", "outcome": "reached"}); refused == "" {
				t.Error("a call of no direction was taken")
			}
		})
	})
}

func TestWithoutLeaveToSeeCustomersThereAreIdsAndNoNames(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		doors(t, s, may("insights:read", "products:read"), func(t *testing.T, session *sdk.ClientSession) {
			if got := tools(t, session); slices.Contains(got, "customer") || slices.Contains(got, "orders_of") || !slices.Contains(got, "forecast") {
				t.Errorf("tools %v", got)
			}
			for name, args := range map[string]object{"who_is_slipping_away": {"limit": 50}, "who_is_due": {"to": "2026-06-01", "limit": 50}, "best_customers": {"limit": 50},
				"product": {"product": s.tea.String()}} {
				result, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: name, Arguments: args})
				if err != nil || result.IsError {
					t.Fatalf("%s: %v %v", name, result, err)
				}
				b, _ := json.Marshal(result)
				if text := string(b); !strings.Contains(text, "cus_") || strings.Contains(text, "Person") || strings.Contains(text, "anzibar") {
					t.Errorf("%s says %s", name, text)
				}
			}
		})
	})
}

func TestWhatIsAskedWronglyIsSaidInASentence(t *testing.T) {
	s := build(t, testkit.DB(t))
	doors(t, s, may(all...), func(t *testing.T, session *sdk.ClientSession) {
		for name, c := range map[string]struct {
			args object
			want string
		}{
			"customer":             {object{"customer": "Anna"}, "cus_…"},
			"orders_of":            {object{"customer": "cus_0000000000001"}, "no such customer"},
			"product":              {object{"product": "tea"}, "prd_…"},
			"subscription":         {object{"customer": s.anna.String(), "subscription": "box"}, "sub_…"},
			"subscriptions":        {object{"status": "asleep"}, "choices"},
			"who_is_due":           {object{"from": "tomorrow"}, "2026-03-02"},
			"best_customers":       {object{"by": "beauty"}, "choices"},
			"cohorts":              {object{"by": "week"}, "choices"},
			"what_moved_it":        {object{"compare": "sun"}, "choices"},
			"retention_figures":    {object{"from": "1990-01-01", "to": "1990-02-01"}, "Nobody bought"},
			"find_customer":        {object{}, "query"},
			"delete_all_customers": {object{}, "unknown tool"},
		} {
			if _, refused := ask[object](t, session, name, c.args); !strings.Contains(refused, c.want) || strings.Contains(refused, "⟦") {
				t.Errorf("%s: %q, want %q", name, refused, c.want)
			}
		}
	})
}

func TestAnEmptyStoreSaysSo(t *testing.T) {
	each := func(name, want string, session *sdk.ClientSession) {
		if _, refused := ask[object](t, session, name, object{}); !strings.Contains(refused, want) {
			t.Errorf("%s: %q, want %q", name, refused, want)
		}
	}
	s := shop{t: t, db: testkit.DB(t)}
	s.open()
	session := s.piped(may(all...))
	each("who_is_slipping_away", "no scores yet", session)
	each("who_is_due", "no scores yet", session)
	each("retention_figures", "Nobody bought", session)
	each("forecast", "not enough purchases", session)
}

func TestNobodyComesInWithoutAKey(t *testing.T) {
	s := build(t, testkit.DB(t))
	for _, token := range []string{"", "wrong"} {
		if _, err := s.over(may(all...), token); err == nil {
			t.Errorf("the key %q opens", token)
		}
	}
}
