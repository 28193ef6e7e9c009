package collect

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/platform/web"
)

// maxDelivery is how large a delivery may be: an order of a thousand lines has
// about 1 MB.
const maxDelivery = 2 << 20

// call is a delivery as it stands at the door.
type call struct {
	header  http.Header
	body    []byte
	address string // as the shop calls it
	now     time.Time
}

// envelope is what the door must know of a delivery.
type envelope struct {
	topic    string
	delivery string // names it; the same again is not worked twice
	noted    map[string]string
}

// shopKind is one sort of shop.
type shopKind struct {
	name, icon string
	verify     func(secret []byte, c call) bool
	open       func(c call) envelope
	read       shopReader
	topics     []string // that are to be chosen in the shop
}

var shopKinds = []shopKind{
	{Shopify, "shopping-bag", verifyShopify, openShopify, readShopify, []string{
		"orders/create", "orders/updated", "orders/cancelled", "orders/delete", "refunds/create", "fulfillments/create", "fulfillments/update",
		"customers/create", "customers/update", "customers_email_marketing_consent/update", "customers_marketing_consent/update",
		"products/create", "products/update", askedCopy, askedErasure, askedShopErasure}},
	{WooCommerce, "shopping-cart", verifyWooCommerce, openWooCommerce, readWooCommerce, []string{
		"order.created", "order.updated", "order.deleted", "order.restored", "customer.created", "customer.updated", "product.created", "product.updated"}},
	{Stripe, "credit-card", verifyStripe, openStripe, readStripe, []string{
		"charge.succeeded", "charge.updated", "charge.refunded", "charge.dispute.created", "charge.dispute.closed", "refund.created", "refund.updated",
		"refund.failed", "payment_intent.succeeded", "checkout.session.completed", "customer.created", "customer.updated",
		"customer.subscription.created", "customer.subscription.updated", "customer.subscription.deleted", "customer.subscription.paused",
		"customer.subscription.resumed", "invoice.paid"}},
	{Square, "building-store", verifySquare, openSquare, readSquare, []string{
		"payment.created", "payment.updated", "refund.created", "refund.updated", "customer.created", "customer.updated"}},
}

func shopKindOf(name string) (shopKind, bool) {
	i := slices.IndexFunc(shopKinds, func(k shopKind) bool { return k.name == name })
	if i < 0 {
		return shopKind{}, false
	}
	return shopKinds[i], true
}

// shopSources are the kinds of source that are shops. tables are those of all
// modules.
func shopSources(tables []customers.Table) []Kind {
	all := make([]Kind, len(shopKinds))
	for i, k := range shopKinds {
		all[i] = Kind{Name: k.name, Icon: k.icon, Signed: true, Work: shops{tables, k.read}.work}
	}
	return all
}

// shopDoor takes in what shops deliver. It only looks whether it is theirs and
// writes it down: shops wait for seconds at most.
type shopDoor struct {
	db      *store.DB
	book    *book
	inbox   *Inbox
	refused *tally
}

// ShopDoors are the addresses that shops send to.
func ShopDoors(db *store.DB) []web.Route {
	d := shopDoor{db: db, book: &book{db: db}, inbox: NewInbox(db), refused: &tally{db: db}}
	return []web.Route{{Pattern: "POST /shops/{kind}/{token}", Role: web.Public, Handler: d.take, AnyOrigin: true, Lean: true, MaxBody: maxDelivery}}
}

func (d shopDoor) take(w http.ResponseWriter, r *web.Request) error {
	k, known := shopKindOf(r.PathValue("kind"))
	if !known {
		return answer(w, r, http.StatusNotFound, "collect.shop.refused.address")
	}
	s, err := d.book.find(r.Context(), k.name, r.PathValue("token"))
	if errors.Is(err, ErrUnknown) {
		return answer(w, r, http.StatusNotFound, "collect.shop.refused.address")
	}
	if err != nil {
		return err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	c := call{header: r.Header, body: body, now: r.Now}
	if k.name == WooCommerce && pinged(c) {
		return answer(w, r, http.StatusOK, "collect.shop.taken")
	}
	secrets, err := openSecrets(d.db, s)
	if err != nil || len(secrets.valid(r.Now)) == 0 {
		return answer(w, r, http.StatusUnauthorized, "collect.shop.refused.secret")
	}
	if !secrets.sign(k, c, addresses(r, s)) {
		d.refused.add(s.ID, countRefused)
		return answer(w, r, http.StatusUnauthorized, "collect.shop.refused.signature")
	}
	e := k.open(c)
	if e.topic == "" || len(e.topic) > 200 || len(e.delivery) > 200 {
		return answer(w, r, http.StatusBadRequest, "collect.shop.error.shape")
	}
	p := &Parcel{Source: s.ID, Topic: e.topic, Delivery: e.delivery, At: r.Now, Noted: e.noted, Body: body}
	if err := d.inbox.Accept(r.Context(), p); errs.Is(err, errs.TooLarge) {
		w.Header().Set("Retry-After", "30")
		return answer(w, r, http.StatusTooManyRequests, "collect.error.busy")
	} else if err != nil {
		return err
	}
	return answer(w, r, http.StatusOK, "collect.shop.taken")
}

// answer answers a program with a plain sentence: what whoever sends reads in the
// shop's own log of deliveries.
func answer(w http.ResponseWriter, r *web.Request, status int, key string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, err := io.WriteString(w, r.T(key)+"\n")
	return err
}

// addresses are what the shop may call the address of this request: what was
// typed there, or else how it came.
func addresses(r *web.Request, s Source) []string {
	if typed := s.Settings["address"]; typed != "" {
		return []string{typed}
	}
	rest := r.Host + r.Href(r.URL.Path)
	return []string{"https://" + rest, "http://" + rest}
}

// shopSecrets are what a shop signs with: the secret of today, and for a while
// the one before.
type shopSecrets struct {
	Now   string `json:"now"`
	Old   string `json:"old,omitempty"`
	Until int64  `json:"until,omitempty"` // how long the old one is good
}

const secretPurpose = "shop secret"

// oldSecretFor is how long a secret that was replaced is still good.
const oldSecretFor = 24 * time.Hour

func openSecrets(db *store.DB, s Source) (shopSecrets, error) {
	var v shopSecrets
	if len(s.Secret) == 0 {
		return v, nil
	}
	plain, err := db.Unseal(secretPurpose, s.Secret)
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal(plain, &v)
}

// replace makes a secret the one of today.
func (v shopSecrets) replace(secret string, now time.Time) shopSecrets {
	if secret == v.Now {
		return v
	}
	return shopSecrets{Now: secret, Old: v.Now, Until: now.Add(oldSecretFor).UnixMicro()}
}

func (v shopSecrets) seal(db *store.DB) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return db.Seal(secretPurpose, plain), nil
}

// valid are the secrets that are good now.
func (v shopSecrets) valid(now time.Time) []string {
	var all []string
	if v.Now != "" {
		all = append(all, v.Now)
	}
	if v.Old != "" && now.UnixMicro() < v.Until {
		all = append(all, v.Old)
	}
	return all
}

// sign reports whether one of the secrets made the signature.
func (v shopSecrets) sign(k shopKind, c call, addresses []string) bool {
	good := false
	for _, secret := range v.valid(c.now) {
		for _, c.address = range addresses {
			good = k.verify([]byte(secret), c) || good
		}
	}
	return good
}

// What is counted of a source's deliveries.
const (
	countRefused = "refused"  // a wrong signature
	countIgnored = "ignored:" // and the topic
)

// maxCounted is how many sorts of things are counted of a source: whoever can
// sign can make up topics.
const maxCounted = 200

// count adds to a count of a source.
func count(ctx context.Context, tx *store.Tx, s id.Source, what string, n int64) error {
	done, err := tx.Exec(ctx, `update collect_counts set n = n + $1, last_at = $2 where source_id = $3 and what = $4`, n, tx.Now.UnixMicro(), int64(s), what)
	if err != nil || done > 0 {
		return err
	}
	var have int
	if err := tx.QueryRow(ctx, `select count(*) from collect_counts where source_id = $1`, int64(s)).Scan(&have); err != nil || have >= maxCounted {
		return err
	}
	_, err = tx.Exec(ctx, `
		insert into collect_counts (source_id, what, n, last_at) values ($1, $2, $3, $4)
		on conflict (source_id, what) do update set n = collect_counts.n + excluded.n, last_at = excluded.last_at`,
		int64(s), what, n, tx.Now.UnixMicro())
	return err
}

// tally counts what is refused at the door. It writes at most once a second,
// so that nobody keeps the database busy with nonsense.
type tally struct {
	db      *store.DB
	mu      sync.Mutex
	counts  map[counted]int64
	waiting bool
}

type counted struct {
	source id.Source
	what   string
}

// tallyEvery is how long counts wait in memory.
const tallyEvery = time.Second

func (t *tally) add(s id.Source, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[counted]int64{}
	}
	t.counts[counted{s, what}]++
	if !t.waiting {
		t.waiting = true
		time.AfterFunc(tallyEvery, t.write)
	}
}

func (t *tally) write() {
	t.mu.Lock()
	counts := t.counts
	t.counts, t.waiting = nil, false
	t.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := t.db.Tx(ctx, func(tx *store.Tx) error {
		for c, n := range counts {
			if err := count(ctx, tx, c.source, c.what, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		slog.Warn("deliveries that were refused are not counted", "error", masked(err))
	}
}

// Counts returns what was refused and ignored of a source, the most first.
func Counts(ctx context.Context, q store.Querier, s id.Source) ([]Counted, error) {
	return store.All(ctx, q, func(rows *sql.Rows) (c Counted, err error) {
		var at int64
		err = rows.Scan(&c.What, &c.N, &at)
		c.LastAt = micros(at)
		return c, err
	}, `select what, n, last_at from collect_counts where source_id = $1 order by n desc, what limit 50`, int64(s))
}
