package app

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"regulars/internal/platform/rest"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/testkit"
	"regulars/internal/testkit/apiclient"
)

// caller is somebody else's program: a client generated from the API's
// document, which knows nothing of ours, and a key.
type caller struct {
	*apiclient.ClientWithResponses
	h house
}

func newCaller(t *testing.T, db *store.DB) caller {
	t.Helper()
	h := newHouse(t, db)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	key := h.keyOf(web.Owner, rest.Scopes()...)
	client, err := apiclient.NewClientWithResponses(server.URL+rest.Base, apiclient.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+key)
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.api.Flush(context.Background()) })
	return caller{client, h}
}

func ptr[T any](v T) *T { return &v }

// done fails the test unless the answer has the status.
func done(t *testing.T, r *http.Response, body []byte, err error, status int) {
	t.Helper()
	if err != nil || r.StatusCode != status {
		t.Fatalf("status %v, want %d: %s %v", r, status, body, err)
	}
}

// buyer makes a customer by an email, with a yes for it.
func (p caller) buyer(t *testing.T, name string) *apiclient.CreateCustomerAnswer {
	t.Helper()
	a, err := p.CreateCustomerWithResponse(t.Context(), nil, apiclient.Profile{Name: &name,
		Identities: &[]apiclient.Identity{{Kind: "email", Value: strings.ToLower(name) + "@example.com"}}})
	done(t, a.HTTPResponse, a.Body, err, 201)
	return a
}

func sale(t time.Time, buyer string) apiclient.Sale {
	return apiclient.Sale{At: t, Customer: &buyer, Lines: []apiclient.SaleLine{{Sku: "tea", Name: ptr("Tea"), PriceMinor: 500, QuantityMilli: ptr(int64(2000))}}}
}

func TestAProgramSellsRefundsAndForgets(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		p, ctx := newCaller(t, db), t.Context()
		made := p.buyer(t, "Anna")
		anna := made.JSON201.Id

		// A change on what was read, then one on what is not any more.
		patch := apiclient.Patch{Given: ptr("Anna"), Family: ptr("Nováková"), Language: ptr("cs")}
		changed, err := p.ChangeCustomerWithApplicationMergePatchPlusJSONBodyWithResponse(ctx, anna, &apiclient.ChangeCustomerParams{IfMatch: made.Headers201.ETag}, patch)
		done(t, changed.HTTPResponse, changed.Body, err, 200)
		if c := changed.JSON200; c.Family != "Nováková" || c.Language != "cs" || c.Name != "Anna" {
			t.Errorf("changed to %+v", c)
		}
		late, err := p.ChangeCustomerWithApplicationMergePatchPlusJSONBodyWithResponse(ctx, anna, &apiclient.ChangeCustomerParams{IfMatch: made.Headers201.ETag}, patch)
		done(t, late.HTTPResponse, late.Body, err, 412)
		emptied, err := p.ChangeCustomerWithBodyWithResponse(ctx, anna, nil, "application/merge-patch+json", strings.NewReader(`{"language":null}`))
		done(t, emptied.HTTPResponse, emptied.Body, err, 200)
		if c := emptied.JSON200; c.Language != "" || c.Family != "Nováková" {
			t.Errorf("null and nothing came to %+v", c)
		}

		yes, err := p.AddConsentWithResponse(ctx, anna, nil, apiclient.Consent{Channel: "email", Given: true, Place: ptr("shop.example/checkout"), Words: ptr("Send me news")})
		done(t, yes.HTTPResponse, yes.Body, err, 200)
		if !slices.Equal(yes.JSON200.Agreed, []string{"email"}) {
			t.Errorf("agreed to %v", yes.JSON200.Agreed)
		}

		at := db.Now().Add(-time.Hour)
		for range 2 { // told twice is told once
			o, err := p.UpsertOrderWithResponse(ctx, "shop", "1001", nil, sale(at, anna))
			done(t, o.HTTPResponse, o.Body, err, 200)
			if o.JSON200.Order.TotalMinor != 1000 || len(o.JSON200.Lines) != 1 {
				t.Errorf("the order is %s", o.Body)
			}
		}
		order, err := p.FindOrderWithResponse(ctx, "shop", "1001", nil)
		done(t, order.HTTPResponse, order.Body, err, 200)
		again := &apiclient.RefundOrderParams{IdempotencyKey: ptr("refund-1001")}
		back := apiclient.Back{Reason: "damaged", AmountMinor: ptr(int64(300)), Seen: 0}
		for range 3 {
			r, err := p.RefundOrderWithResponse(ctx, anna, order.JSON200.Order.Id, again, back)
			done(t, r.HTTPResponse, r.Body, err, 201)
			if r.JSON201.Order.RefundedMinor != 300 || len(r.JSON201.Returns) != 1 {
				t.Errorf("refunded: %s", r.Body)
			}
		}
		other, err := p.RefundOrderWithResponse(ctx, anna, order.JSON200.Order.Id, again, apiclient.Back{Reason: "other", Seen: 300})
		done(t, other.HTTPResponse, other.Body, err, 422)

		told, err := p.ListEventsWithResponse(ctx, anna, &apiclient.ListEventsParams{Kind: &[]string{"order.placed", "order.refunded"}})
		done(t, told.HTTPResponse, told.Body, err, 200)
		if len(told.JSON200.Data) != 2 {
			t.Errorf("the timeline has %s", told.Body)
		}
		held, err := p.ExportCustomerWithResponse(ctx, anna)
		done(t, held.HTTPResponse, held.Body, err, 200)
		if len(held.JSON200.Tables["orders"]) != 2 {
			t.Errorf("exported %s", held.Body)
		}
		gone, err := p.EraseCustomerWithResponse(ctx, anna, nil)
		done(t, gone.HTTPResponse, gone.Body, err, 204)
		blank, err := p.GetCustomerWithResponse(ctx, anna, nil)
		done(t, blank.HTTPResponse, blank.Body, err, 200)
		if blank.JSON200.Name != "" || blank.JSON200.ErasedAt == nil || strings.Contains(string(blank.Body), "anna") {
			t.Errorf("erased, and still %s", blank.Body)
		}
	})
}

func TestTheSameCustomerSentAgainIsCompleted(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		p, ctx := newCaller(t, db), t.Context()
		anna := p.buyer(t, "Anna").JSON201.Id
		// Known by email from before, and by the shop's id from now on.
		up := apiclient.Profile{Country: ptr("CZ"), Tags: &[]string{"vip"}, Identities: &[]apiclient.Identity{{Kind: "email", Value: "ANNA@example.com"}}}
		first, err := p.UpsertCustomerWithResponse(ctx, "shop:7", nil, up)
		done(t, first.HTTPResponse, first.Body, err, 200)
		second, err := p.UpsertCustomerWithResponse(ctx, "shop:7", nil, up)
		done(t, second.HTTPResponse, second.Body, err, 200)
		if c := second.JSON200; c.Id != anna || c.Name != "Anna" || c.Country != "CZ" || !slices.Equal(c.Tags, []string{"vip"}) || len(c.Identities) != 2 {
			t.Errorf("completed to %s", second.Body)
		}
		if string(first.Body) != string(second.Body) {
			t.Errorf("sent again it became\n%s\nand was\n%s", second.Body, first.Body)
		}
		many, err := p.UpsertCustomersWithResponse(ctx, nil, apiclient.CustomersInputBody{Customers: []apiclient.BulkItem{
			{External: ptr("shop:7"), Family: ptr("Novak")},
			{External: ptr("shop:8"), Name: ptr("Ben"), Identities: &[]apiclient.Identity{{Kind: "email", Value: "nonsense"}}},
			{External: ptr("shop:9"), Name: ptr("Cleo")},
		}})
		done(t, many.HTTPResponse, many.Body, err, 200)
		var results []string
		for _, r := range many.JSON200.Results {
			results = append(results, string(r.Result))
		}
		if !slices.Equal(results, []string{"completed", "refused", "made"}) || many.JSON200.Results[1].Fault == nil || *many.JSON200.Results[1].Fault.Pointer != "#/customers/1/identities" {
			t.Errorf("the three came to %s", many.Body)
		}
	})
}

// TestPagingNeitherSkipsNorDoublesWhileOthersAreAdded turns the pages of a
// list while customers are put in around those that are there.
func TestPagingNeitherSkipsNorDoublesWhileOthersAreAdded(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		p, ctx := newCaller(t, db), t.Context()
		random := rand.New(rand.NewPCG(1, 2))
		add := func(n int) (ids []string) {
			var all []apiclient.BulkItem
			for range n {
				k := random.IntN(1 << 30)
				all = append(all, apiclient.BulkItem{External: ptr(fmt.Sprintf("shop:%d", k)), Name: ptr(fmt.Sprintf("P%03d", k%500))})
			}
			a, err := p.UpsertCustomersWithResponse(ctx, nil, apiclient.CustomersInputBody{Customers: all})
			done(t, a.HTTPResponse, a.Body, err, 200)
			for _, r := range a.JSON200.Results {
				ids = append(ids, *r.Id)
			}
			return ids
		}
		there := add(60)
		for _, sort := range []apiclient.ListCustomersParamsSort{"name", "joined"} {
			for _, desc := range []bool{false, true} {
				seen, after := map[string]int{}, ""
				for {
					page, err := p.ListCustomersWithResponse(ctx, &apiclient.ListCustomersParams{Limit: ptr(int64(7)), After: &after, Sort: &sort, Desc: &desc, Fields: &[]string{"id"}})
					done(t, page.HTTPResponse, page.Body, err, 200)
					for _, c := range page.JSON200.Data {
						seen[c.Id]++
					}
					if after = page.JSON200.Next; after == "" {
						break
					}
					if len(seen) < 200 {
						add(3)
					}
				}
				for _, c := range there {
					if seen[c] != 1 {
						t.Errorf("by %s, desc %v: %s was seen %d times", sort, desc, c, seen[c])
					}
				}
			}
		}
	})
}

// TestOneOfManyAtOnceIsDone sends one request many times at the same moment.
func TestOneOfManyAtOnceIsDone(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		p, ctx := newCaller(t, db), t.Context()
		anna := p.buyer(t, "Anna").JSON201.Id
		var all sync.WaitGroup
		var mu sync.Mutex
		codes := map[int]int{}
		for range 8 {
			all.Go(func() {
				a, err := p.AddNoteWithResponse(ctx, anna, &apiclient.AddNoteParams{IdempotencyKey: ptr("one note")}, apiclient.NoteInputBody{Text: "likes tea"})
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
					return
				}
				codes[a.StatusCode()]++
			})
		}
		all.Wait()
		var n int
		if err := db.QueryRow(ctx, `select count(*) from customer_notes`).Scan(&n); err != nil || n != 1 || codes[200] == 0 || codes[200]+codes[409] != 8 {
			t.Errorf("%d notes, %v, %v", n, codes, err)
		}
	})
}
