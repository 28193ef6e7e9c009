package app

import (
	"slices"
	"strings"
	"testing"
	"time"

	"regulars/internal/platform/store"
	"regulars/internal/testkit"
	"regulars/internal/testkit/apiclient"
)

func TestAProgramRecordsEventsOfItsOwnOnce(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		p, ctx := newCaller(t, db), t.Context()
		anna, ben := p.buyer(t, "Anna").JSON201.Id, p.buyer(t, "Ben").JSON201.Id
		at := testkit.Start.Add(-26 * time.Hour)
		visit := apiclient.Action{Id: ptr("visit-1"), Name: "Workshop attended", At: &at,
			Properties: &map[string]any{"topic": "Latte art", "minutes": 90, "paid": true, "with": []string{"Eva", "Jan"}, "host": map[string]any{"name": "Ota"}}}
		first, err := p.RecordEventWithResponse(ctx, anna, nil, visit)
		done(t, first.HTTPResponse, first.Body, err, 201)
		again, err := p.RecordEventWithResponse(ctx, anna, nil, visit)
		done(t, again.HTTPResponse, again.Body, err, 201)
		if first.JSON201.Result != "recorded" || again.JSON201.Result != "known" || again.JSON201.Event != first.JSON201.Event {
			t.Errorf("first %s, then %s", first.Body, again.Body)
		}

		one, err := p.GetEventWithResponse(ctx, anna, first.JSON201.Event, nil)
		done(t, one.HTTPResponse, one.Body, err, 200)
		if e := one.JSON200; e.Name != "Workshop attended" || !e.At.Equal(at) || e.OwnId != "visit-1" || e.Source != "api" || e.History || e.Kind != "action.tracked" {
			t.Errorf("read back %s", one.Body)
		}
		var told []string
		for _, v := range one.JSON200.Properties {
			told = append(told, v.Name+"="+v.Text)
			if (v.Name == "minutes" || v.Name == "paid") && v.Number == nil {
				t.Errorf("%s is no number", v.Name)
			}
		}
		if want := []string{"host.name=Ota", "minutes=90", "paid=true", "topic=Latte art", "with=Eva", "with=Jan"}; !slices.Equal(told, want) {
			t.Errorf("properties %q, want %q", told, want)
		}
		list, err := p.ListEventsWithResponse(ctx, anna, &apiclient.ListEventsParams{Kind: &[]string{"action.tracked"}})
		done(t, list.HTTPResponse, list.Body, err, 200)
		if d := list.JSON200.Data; len(d) != 1 || d[0].Id != first.JSON201.Event || d[0].Text != "Did “Workshop attended”" || d[0].By == "" {
			t.Errorf("the timeline says %s", list.Body)
		}

		// Many at once: each for itself, and an id counts once in a request too.
		email := func(s string) *apiclient.Actor { return &apiclient.Actor{Kind: "email", Value: s} }
		late := testkit.Start.Add(30 * 24 * time.Hour)
		old := testkit.Start.AddDate(-1, 0, 0)
		much := map[string]any{}
		for i := range 39 {
			much[strings.Repeat("x", i+1)] = i
		}
		much["two"] = []int{1, 2}
		bulk, err := p.RecordEventsWithResponse(ctx, nil, apiclient.RecordsInputBody{Events: []apiclient.ActionOf{
			{Customer: &ben, Id: ptr("visit-2"), Name: "Workshop attended", At: &old},
			{Identity: email("ANNA@example.com"), Id: ptr("visit-1"), Name: "Workshop attended"},
			{Customer: &ben, Id: ptr("visit-2"), Name: "Workshop attended"},
			{Customer: &ben, Name: "Called"},
			{Customer: &ben, Name: "Called"},
			{Identity: email("nobody@example.com"), Name: "Called"},
			{Name: "Called"},
			{Customer: &ben, Name: "Order Completed"},
			{Customer: &ben, Name: "Called", At: &late},
			{Customer: ptr("cus_0000000000001"), Name: "Called"},
			{Customer: &ben, Name: " "},
			{Customer: &ben, Name: "Called", Properties: &much},
		}})
		done(t, bulk.HTTPResponse, bulk.Body, err, 200)
		results := bulk.JSON200.Results
		want := []string{"recorded", "known", "known", "recorded", "recorded", "refused identity/value", "refused customer", "refused name", "refused at", "refused customer", "refused name", "refused properties"}
		for i, r := range results {
			got := string(r.Result)
			if r.Fault != nil && r.Fault.Pointer != nil {
				got += strings.TrimPrefix(*r.Fault.Pointer, "#/events/"+itoa(i))
			}
			if strings.ReplaceAll(want[i], " ", "/") != got || r.Fault != nil && r.Fault.Detail == "" {
				t.Errorf("event %d: %s, want %s: %+v", i, got, want[i], r.Fault)
			}
		}
		if *results[1].Event != first.JSON201.Event || *results[1].Customer != anna || *results[2].Event != *results[0].Event || *results[3].Event == *results[4].Event {
			t.Errorf("results %s", bulk.Body)
		}
		year, err := p.GetEventWithResponse(ctx, ben, *results[0].Event, nil)
		done(t, year.HTTPResponse, year.Body, err, 200)
		if !year.JSON200.History || !year.JSON200.At.Equal(old) {
			t.Errorf("of a year ago: %s", year.Body)
		}

		// Merged, they are the survivor's, and known still; of who was erased nothing is written.
		merged, err := p.MergeCustomerWithResponse(ctx, anna, nil, apiclient.MergeCustomerJSONRequestBody{Other: ben})
		done(t, merged.HTTPResponse, merged.Body, err, 200)
		known, err := p.RecordEventWithResponse(ctx, ben, nil, apiclient.Action{Id: ptr("visit-2"), Name: "Workshop attended"})
		done(t, known.HTTPResponse, known.Body, err, 201)
		if known.JSON201.Result != "known" || known.JSON201.Customer != anna || known.JSON201.Event != *results[0].Event {
			t.Errorf("after the merge %s", known.Body)
		}
		gone, err := p.EraseCustomerWithResponse(ctx, anna, nil)
		done(t, gone.HTTPResponse, gone.Body, err, 204)
		refused, err := p.RecordEventWithResponse(ctx, anna, nil, apiclient.Action{Id: ptr("visit-3"), Name: "Called"})
		done(t, refused.HTTPResponse, refused.Body, err, 409)
		var left int
		if err := db.QueryRow(ctx, `select count(*) from collect_event_ids`).Scan(&left); err != nil || left != 0 {
			t.Errorf("%d ids are left of who was erased, %v", left, err)
		}
	})
}
