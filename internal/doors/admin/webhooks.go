package admin

import (
	"context"
	"fmt"

	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
	"regulars/internal/platform/web/kit"
)

// hooks says how the webhooks fare.
type hooks struct {
	all     int
	failing int // on, and their latest attempt went wrong
	off     int // switched off by the program, not by a person
}

func lookAtWebhooks(ctx context.Context, q store.Querier) (h hooks, err error) {
	err = q.QueryRow(ctx, `
		select count(*), count(*) filter (where state = 'on' and failing_since_at is not null), count(*) filter (where state in ('gone', 'given_up'))
		from webhook_endpoints`).Scan(&h.all, &h.failing, &h.off)
	if err != nil {
		return h, fmt.Errorf("look at the webhooks: %w", err)
	}
	return h, nil
}

// silent tells an owner at home that webhooks were switched off.
func (d door) silent(r *web.Request) (*kit.Alert, error) {
	if !r.Can(web.Owner) {
		return nil, nil
	}
	h, err := lookAtWebhooks(r.Context(), d.db)
	if err != nil || h.off == 0 {
		return nil, err
	}
	return &kit.Alert{Tone: kit.Warn, Title: r.Print.N("admin.webhooks.off", h.off), Text: r.T("admin.webhooks.off.text"),
		Action: kit.Link{Href: r.Href("/settings/webhooks"), Text: r.T("admin.webhooks.off.look")}}, nil
}
