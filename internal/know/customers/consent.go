package customers

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// Channels are what a customer can agree to.
var Channels = []string{"email", "sms", "post", "phone", "profiling"}

// Consent is one yes or no, with its proof.
type Consent struct {
	Channel string
	Given   bool
	At      time.Time // when the person decided; zero: now
	Place   string    // where: the till, a page's address, a form; needed for a yes
	Words   string    // what they agreed to, word for word; needed for a yes
	Source  string    // empty: as the writer's
	Author  id.User   // who wrote it down; 0: the person alone
}

func (c *Consent) tidy() error {
	if !slices.Contains(Channels, c.Channel) {
		return errs.Wrong("channel", "customers.wrong.consent-channel")
	}
	if err := line("place", &c.Place, maxName); err != nil {
		return err
	}
	if err := area("words", &c.Words, maxText); err != nil {
		return err
	}
	if c.Given && c.Words == "" {
		return errs.Wrong("words", "customers.wrong.consent-words")
	}
	if c.Given && c.Place == "" {
		return errs.Wrong("place", "customers.wrong.consent-place")
	}
	return nil
}

// Decide writes down a yes or a no. Rows are only added; the latest decision
// of a channel is the state that sending asks. It records consent.given or
// consent.withdrawn.
func Decide(ctx context.Context, tx *store.Tx, c id.Customer, by By, d Consent) error {
	if _, err := lockLiving(ctx, tx, c); err != nil {
		return err
	}
	if err := d.tidy(); err != nil {
		return err
	}
	d.complete(tx, by)
	if d.At.After(tx.Now.Add(time.Hour)) {
		return errs.Wrong("at", "customers.wrong.consent-future")
	}
	log := tx.NewID()
	if _, err := tx.Exec(ctx, `
		insert into customer_consent_log (customer_id, id, channel, given, decided_at, place, words, source, author_id, created_at, import_id, origin_customer_id)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, null)`,
		int64(c), log, d.Channel, d.Given, d.At.UnixMicro(), d.Place, d.Words, d.Source, int64(d.Author), tx.Now.UnixMicro(), null(int64(by.Import))); err != nil {
		return fmt.Errorf("write down a consent of %s: %w", c, err)
	}
	if err := settleConsents(ctx, tx, c); err != nil {
		return err
	}
	return timeline.Record(ctx, tx, d.event(c, by, log))
}

func (c *Consent) complete(tx *store.Tx, by By) {
	if c.At.IsZero() {
		c.At = tx.Now
	}
	if c.Source == "" {
		c.Source = by.Source
	}
	c.At = c.At.UTC().Truncate(time.Microsecond)
}

func (c Consent) event(who id.Customer, by By, log int64) timeline.Event {
	kind := kindConsentWithdrawn
	if c.Given {
		kind = kindConsentGiven
	}
	e := by.event(who, kind, Decided{Channel: c.Channel})
	e.OccurredAt, e.Ref = c.At, log
	return e
}

// settleConsents makes the rows of the current state from the log: of each
// channel the latest decision; of two at once the one written later.
func settleConsents(ctx context.Context, tx *store.Tx, cs ...id.Customer) error {
	for _, c := range cs {
		if _, err := tx.Exec(ctx, `delete from customer_consents where customer_id = $1`, int64(c)); err != nil {
			return fmt.Errorf("settle the consents of %s: %w", c, err)
		}
		if _, err := tx.Exec(ctx, `
			insert into customer_consents (customer_id, channel, given, decided_at, log_id)
			select l.customer_id, l.channel, l.given, l.decided_at, l.id from (
				select customer_id, channel, given, decided_at, id,
					row_number() over (partition by customer_id, channel order by decided_at desc, id desc) as place
				from customer_consent_log where customer_id = $1) l
			where l.place = 1`, int64(c)); err != nil {
			return fmt.Errorf("settle the consents of %s: %w", c, err)
		}
	}
	return nil
}

// Proof is a line of the consent log.
type Proof struct {
	Consent
	ID int64
}

// Proofs returns every yes and no of a customer, the newest first.
func Proofs(ctx context.Context, q store.Querier, c id.Customer) ([]Proof, error) {
	return store.All(ctx, q, func(rows *sql.Rows) (p Proof, err error) {
		var at int64
		err = rows.Scan(&p.ID, &p.Channel, &p.Given, &at, &p.Place, &p.Words, &p.Source, &p.Author)
		p.At = moment(at)
		return p, err
	}, `
		select id, channel, given, decided_at, place, words, source, author_id from customer_consent_log
		where customer_id = $1 order by decided_at desc, id desc limit 500`, int64(c))
}

// Allows reports whether a customer's last word on a channel was yes. Who
// never said anything has not agreed.
func Allows(ctx context.Context, q store.Querier, c id.Customer, channel string) (bool, error) {
	var n int
	err := q.QueryRow(ctx, `
		select count(*) from customer_consents where customer_id = $1 and channel = $2 and given`, int64(c), channel).Scan(&n)
	return n > 0, err
}

// agreed are the channels of which a customer's last word was yes.
func agreed(ctx context.Context, q store.Querier, c id.Customer) ([]string, error) {
	all, err := store.All(ctx, q, store.Scalar[string], `
		select channel from customer_consents where customer_id = $1 and given order by channel`, int64(c))
	if err != nil {
		return nil, fmt.Errorf("read what %s agreed to: %w", c, err)
	}
	return all, nil
}

// by says who makes the profile.
func (p *Profile) by() By {
	return By{Actor: p.Actor, Source: p.Source, Import: p.Import, History: p.History}
}

// consentEvents are the events of the consents a fresh customer comes with.
func (m *maker) consentEvents() []timeline.Event {
	var all []timeline.Event
	for i, c := range m.Consents {
		all = append(all, c.event(m.id, m.by(), m.logs[i]))
	}
	return all
}

func writeConsents(ctx context.Context, tx *store.Tx, fresh []*maker) error {
	log := tx.Bulk(ctx, "customer_consent_log", `customer_id, id, channel, given, decided_at, place, words, source, author_id,
		created_at, import_id, origin_customer_id`, "")
	now := tx.Bulk(ctx, "customer_consents", "customer_id, channel, given, decided_at, log_id", "")
	for _, m := range fresh {
		last := map[string]int{}
		for i := range m.Consents {
			c := &m.Consents[i]
			c.complete(tx, m.by())
			m.logs = append(m.logs, tx.NewID())
			if err := log.Add(int64(m.id), m.logs[i], c.Channel, c.Given, c.At.UnixMicro(), c.Place, c.Words, c.Source, int64(c.Author),
				tx.Now.UnixMicro(), null(int64(m.Import)), nil); err != nil {
				return err
			}
			if j, ok := last[c.Channel]; !ok || !c.At.Before(m.Consents[j].At) {
				last[c.Channel] = i
			}
		}
		for _, channel := range Channels {
			if i, ok := last[channel]; ok {
				c := m.Consents[i]
				if err := now.Add(int64(m.id), channel, c.Given, c.At.UnixMicro(), m.logs[i]); err != nil {
					return err
				}
			}
		}
	}
	if err := log.Close(); err != nil {
		return err
	}
	return now.Close()
}
