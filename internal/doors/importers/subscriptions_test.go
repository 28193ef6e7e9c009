package importers_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"regulars/internal/doors/importers"
	"regulars/internal/know/facts"
	"regulars/internal/know/orders"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
	"regulars/internal/testkit/page"
)

// contracts are all subscriptions: who, what, for how much, since when and
// until when.
func contracts(t testing.TB, db *store.DB) string {
	t.Helper()
	var lines []string
	for s, err := range orders.AllSubscriptions(t.Context(), db, orders.SubscriptionFilter{}, orders.Page{}) {
		if err != nil {
			t.Fatal(err)
		}
		email := told(t, db, fmt.Sprintf(`select email from customers where customer_id = %d`, int64(s.Customer)), 1)
		day := func(at time.Time) string {
			if at.IsZero() {
				return "-"
			}
			return at.Format("2006-01-02")
		}
		name := s.External
		if strings.HasPrefix(name, "row-") {
			name = "row"
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %s %d%s/%d%s x%d %s..%s notice %s %s", strings.TrimSuffix(email, "@example.com"), name,
			strings.ReplaceAll(s.Plan, " ", "_"), s.Status, s.Amount, s.Currency, s.Every, s.Unit, s.Quantity, day(s.StartedAt), day(s.EndedAt), day(s.CancelAt), s.Reason))
	}
	return strings.Join(lines, "\n")
}

const stripeTold = `
	ana sub_1Ana Coffee_box active 2400EUR/1month x1 2025-03-01..- notice -
	bob sub_1Bob Tea_box active 372000USD/1month x3 2025-06-15..- notice -
	cyn sub_1Cyn price_1Yr active 12000EUR/1year x1 2024-07-01..- notice 2026-07-01
	dan sub_1Dan Coffee_box cancelled 2400EUR/1month x1 2025-01-10..2025-10-10 notice - payment
	eva sub_1Eva Coffee_box cancelled 2400EUR/1month x1 2025-08-10..2025-08-20 notice -
	gil sub_1Gil Coffee_box past_due 2400JPY/1month x1 2025-11-11..- notice -
	hal sub_1Hal Coffee_box trialing 2400EUR/1month x1 2026-02-28..- notice -`

const listTold = `
	ana row Garden active 2450EUR/1month x1 2025-02-28..- notice -
	bob row Garden active 124050EUR/3month x1 2025-06-14..- notice -
	cyn row Orchard active 9900EUR/1year x1 2024-06-30..- notice 2026-12-30
	dan row Orchard cancelled 3000CHF/6month x1 2025-01-09..2025-10-09 notice - too_expensive
	eva row Garden paused 2450USD/1month x1 2025-08-09..- notice -
	fin row Garden active 2000GBP/1week x1 2025-08-10..- notice -`

func TestSubscriptionsComeInFromStripesExport(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		settle(t, db)
		empty := contents(t, db)
		im := fromShop(t, db, "stripe_subscriptions.csv")
		if im.Settings.Layout != "stripe-subscriptions" || im.Counts.Subscriptions != (orders.Subscribers{New: 7}) || im.Counts.Skipped != 1 || im.Counts.Customers != 7 {
			t.Errorf("%s: %+v", im.Settings.Layout, im.Counts)
		}
		expect(t, "the subscriptions", contracts(t, db), stripeTold)
		wrong(t, db, im, map[int64]string{10: "importers.wrong.ended-before", 11: "importers.wrong.subscription-twice"})
		ana := told(t, db, `select i.value from customer_identities i join customers c on c.customer_id = i.customer_id where c.email = 'ana@example.com' and i.kind = 'external'`, 1)
		bob := told(t, db, `select i.value from customer_identities i join customers c on c.customer_id = i.customer_id where c.email = 'bob@example.com' and i.kind = 'external'`, 1)
		if ana != "stripe:cus_Ana" || bob != "stripe:cus_Bob" {
			t.Errorf("known as %q and %q", ana, bob)
		}
		again(t, db, clock, im, "stripe_subscriptions.csv")
		undo(t, db, im.ID)
		same(t, "all undone", empty, contents(t, db))
	})
}

func TestSubscriptionsComeInFromAnyList(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		settle(t, db)
		empty := contents(t, db)
		im := fromShop(t, db, "subscriptions_list.csv")
		if im.Settings.Layout != "subscriptions" || im.Counts.Subscriptions != (orders.Subscribers{New: 6}) {
			t.Errorf("%s: %+v", im.Settings.Layout, im.Counts)
		}
		expect(t, "the subscriptions", contracts(t, db), listTold)
		wrong(t, db, im, map[int64]string{8: "ended-before", 9: "interval", 10: "ended-alive", 11: "no-end", 12: "currencies", 13: "period-price-negative",
			14: "no-period-price", 15: "no-subscriber", 16: "no-start", 17: "starts-later", 18: "subscription-status", 19: "subscription-alike"})
		if n := number(t, db, `select count(*) from subscription_keys where external like '%example%'`); n != 0 {
			t.Errorf("%d subscriptions are named after a person", n)
		}
		again(t, db, clock, im, "subscriptions_list.csv")
		undo(t, db, im.ID)
		same(t, "all undone", empty, contents(t, db))
	})
}

// wrong expects the rows that were left out, by their lines and keys.
func wrong(t testing.TB, db *store.DB, im importers.Import, want map[int64]string) {
	t.Helper()
	bad, err := importers.BadLines(t.Context(), db, im.ID, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bad {
		if key := errs.Pack(b.Reason); want[b.Line] == "" || !strings.Contains(key, want[b.Line]) {
			t.Errorf("line %d is left out for %s, want %q", b.Line, key, want[b.Line])
		}
	}
	if len(bad) != len(want) || int(im.Counts.Bad) != len(want) {
		t.Errorf("%d rows are left out (%d counted), want %d", len(bad), im.Counts.Bad, len(want))
	}
}

// again imports a file once more a month later, which changes nothing.
func again(t testing.TB, db *store.DB, clock *testkit.Clock, first importers.Import, name string) {
	t.Helper()
	before := contents(t, db)
	clock.Advance(30 * 24 * time.Hour)
	im := fromShop(t, db, name)
	want := first.Counts
	want.Subscriptions = orders.Subscribers{Same: want.Subscriptions.New}
	want.Customers = 0
	if im.Counts != want {
		t.Errorf("the same file again: %+v", im.Counts)
	}
	delete(before, "import_errors")
	after := contents(t, db)
	delete(after, "import_errors")
	same(t, "the same file again", before, after)
	rebuilt, err := facts.Rebuild(t.Context(), db, func(d facts.Difference) { t.Errorf("facts: %+v", d) })
	if err != nil || rebuilt.Differences > 0 {
		t.Errorf("rebuilt %+v, %v", rebuilt, err)
	}
	undo(t, db, im.ID)
	after = contents(t, db)
	delete(after, "import_errors")
	same(t, "the same file again, undone", before, after)
}

// listed imports a list of subscriptions that is made up.
func listed(t testing.TB, db *store.DB, body string) importers.Import {
	t.Helper()
	path := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return fromPath(t, db, path)
}

func TestAnOldListOfSubscriptionsSaysNothingNewOfWhatWasToldSince(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		settle(t, db)
		const header = "subscription id,email,plan,amount,interval,started,status,ended\n"
		path := filepath.Join(t.TempDir(), "list.csv")
		if err := os.WriteFile(path, []byte(header+"s1,ana@example.com,Garden,20.00,month,2025-05-01,active,\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		first := fromPath(t, db, path)
		clock.Advance(time.Hour)
		ends(t, db, "s1")
		before := contents(t, db)
		clock.Advance(time.Hour)
		if im := fromPath(t, db, path); im.Counts.Subscriptions != (orders.Subscribers{Same: 1}) {
			t.Errorf("the old file: %+v", im.Counts)
		}
		same(t, "the old file", before, contents(t, db))
		// Another file that says it runs is news.
		clock.Advance(time.Hour)
		second := listed(t, db, header+"s1,ana@example.com,Garden,25.00,quarterly,2025-05-01,active,\n")
		if second.Counts.Subscriptions != (orders.Subscribers{Changed: 1}) {
			t.Errorf("another file: %+v", second.Counts)
		}
		expect(t, "the subscription", contracts(t, db), "ana s1 Garden active 2500EUR/3month x1 2025-04-30..- notice -")
		undo(t, db, second.ID)
		same(t, "the other file undone", before, contents(t, db))
		// What was told by hand outlives the import of the first.
		undo(t, db, first.ID)
		expect(t, "the subscription", contracts(t, db), "ana s1 Garden cancelled 2000EUR/1month x1 2025-04-30..2026-03-02 notice - unused")
		if n := number(t, db, `select count(*) from events where import_id is not null and kind like 'subscription.%'`); n != 0 {
			t.Errorf("%d events are of an import that is undone", n)
		}
		if got := told(t, db, `select kind from events where kind like 'subscription.%'`, 1); got != "subscription.cancelled\nsubscription.started" {
			t.Errorf("the timeline tells %q", got)
		}
	})
}

// ends writes down by hand that a subscription ended.
func ends(t testing.TB, db *store.DB, external string) {
	t.Helper()
	testkit.Do(t, db, func(tx *store.Tx) error {
		s, err := orders.FindSubscription(t.Context(), tx, "import", external)
		if err != nil {
			return err
		}
		n := orders.SubscriptionNews{Source: s.Source, External: external, At: tx.Now, Terms: s.Terms}
		n.Status, n.EndedAt, n.Reason = orders.Ended, tx.Now, "unused"
		_, err = orders.Subscribe(t.Context(), tx, n)
		return err
	})
	react(t, db)
}

func TestAFileKeepsWhatItHasNoWordOf(t *testing.T) {
	testkit.EachWithClock(t, func(t *testing.T, db *store.DB, clock *testkit.Clock) {
		settle(t, db)
		first := listed(t, db, "subscription id,email,plan,amount,interval,started,paid until\ns1,ana@example.com,Garden,20.00,month,2025-05-01,2026-04-01\n")
		clock.Advance(time.Hour)
		im := listed(t, db, "subscription id,email,plan,amount,interval,started\ns1,ana@example.com,price_1Xyz,20.00,month,2025-05-01\n")
		s, err := orders.FindSubscription(t.Context(), db, "import", "s1")
		if err != nil {
			t.Fatal(err)
		}
		if s.Plan != "Garden" || s.PeriodEnd.IsZero() || im.Counts.Subscriptions != (orders.Subscribers{Same: 1}) {
			t.Errorf("%+v, %+v after %+v", s, im.Counts, first.Counts)
		}
	})
}

func TestEveryWordForAPeriodIsRead(t *testing.T) {
	db := testkit.Open(t, testkit.DSN(t, "sqlite"), store.Options{Clock: testkit.NewClock(testkit.Start).Now})
	settle(t, db)
	var b strings.Builder
	b.WriteString("subscription id,email,plan,amount,interval,interval count,started\n")
	cases := []struct{ word, count, want string }{
		{"Month", "", "1month"}, {"monthly", "", "1month"}, {"every 3 months", "", "3month"}, {"3 Months", "", "3month"}, {"month", "3", "3month"},
		{"Quarterly", "", "3month"}, {"half-yearly", "", "6month"}, {"Yearly", "", "1year"}, {"annual", "", "1year"}, {"2 years", "", "2year"}, {"P1Y", "", "1year"},
		{"P3M", "", "3month"}, {"every 2 weeks", "", "2week"}, {"fortnightly", "", "2week"}, {"daily", "", "1day"}, {"30 days", "", "30day"}, {"ročně", "", "1year"},
		{"ежемесячно", "", "1month"}, {"per month", "", "1month"}, {"2 quarters", "", ""}, {"2 quarter", "", "6month"}, {"0 months", "", ""}, {"months", "0", ""}, {"month", "1.5", ""},
		{"", "", ""}, {"once", "", ""}, {"12", "", ""},
	}
	for i, c := range cases {
		fmt.Fprintf(&b, "s%d,p%d@example.com,Garden,10,%s,%s,2025-05-01\n", i, i, c.word, c.count)
	}
	listed(t, db, b.String())
	for i, c := range cases {
		got := ""
		if s, err := orders.FindSubscription(t.Context(), db, "import", fmt.Sprint("s", i)); err == nil {
			got = fmt.Sprint(s.Every, s.Unit)
		}
		if strings.ReplaceAll(got, " ", "") != c.want {
			t.Errorf("%q %q is %q, want %q", c.word, c.count, got, c.want)
		}
	}
}

func TestOnlyAListOfSubscriptionsIsTakenForOne(t *testing.T) {
	for header, want := range map[string]string{
		"email,plan,amount,interval,started": "subscriptions", "Customer ID,Product,Price,Billing period,Start date,Cancelled at": "subscriptions",
		"Order,Date,Email,Total,Plan": "", "email,plan,interval,started": "", "id,Customer ID,Interval,Amount,Status,Created (UTC)": "stripe-subscriptions",
	} {
		if l, _ := importers.Recognise(strings.Split(header, ",")); l.Name != want {
			t.Errorf("%s is taken for %q, want %q", header, l.Name, want)
		}
	}
}

func TestSubscriptionsAreSeenOnTheCheckPageBeforeTheyComeIn(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		settle(t, db)
		h := build(t, db)
		body, err := os.ReadFile(filepath.Join("testdata", "shops", "subscriptions_list.csv"))
		if err != nil {
			t.Fatal(err)
		}
		at := h.upload("subscriptions.csv", body).Header.Get("Location")
		p := page.Get(t, h, at, page.As(h.token))
		p.In(".alert-good", page.HasText("Recognised: Subscriptions"))
		for _, want := range []string{"Subscription", "Garden, Active", "€1,240.50 every 3 months", "Orchard, Active, until", "CHF", "£20.00 a week", "Garden, Paused", "It ended before it started"} {
			p.In("#told", page.HasText(want))
		}
		// Chosen by hand, it says what is missing.
		fields := url.Values{"do": {"look"}, "currency": {"EUR"}, "zone": {"Europe/Prague"}, "dates": {"auto"}, "mark": {"auto"}, "column-0": {"email"}, "column-2": {"plan"},
			"column-3": {"period_price"}, "column-5": {"interval"}}
		page.Post(t, h, at, fields, page.As(h.token))
		page.Get(t, h, at, page.As(h.token)).In(".alert-warn", page.HasText("Choose the column with the day on which the subscription started."))
		fields.Set("column-6", "started")
		fields.Set("do", "start")
		page.Post(t, h, at, fields, page.As(h.token))
		work(t, db)
		im := newest(t, db)
		if im.State != importers.Complete || im.Counts.Subscriptions.New == 0 {
			t.Errorf("%s %+v", im.State, im.Counts)
		}
		page.Get(t, h, at, page.As(h.token)).In(".stats", page.HasText("New subscriptions"))
	})
}
