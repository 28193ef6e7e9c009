package collect

import (
	"encoding/json"
	"strings"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/text"
)

// The events of collecting. What a customer did stands in detail in
// customer_event_props; the payload says only what it is called.
const (
	eventTracked = "action.tracked"
	eventPage    = "page.viewed"
	eventScreen  = "screen.viewed"
)

// Acted is the payload of what was done.
type Acted struct {
	Name   string    `json:"name,omitempty"`   // of the event
	What   string    `json:"what,omitempty"`   // the product it is about, of what people do in shops
	Source id.Source `json:"source,omitempty"` // who told it; left out: a program by the API
}

// Seen is the payload of a page or a screen.
type Seen struct {
	Name   string    `json:"name,omitempty"` // of the page or the screen
	Source id.Source `json:"source"`         // who told it
}

// Kinds are the events of this module.
var Kinds = []timeline.Kind{
	{Name: eventTracked, Version: 2, Icon: "pointer", Group: "visits", Payload: Acted{}, Tell: tellTracked, Upgrade: sourced},
	{Name: eventPage, Version: 1, Icon: "world", Group: "visits", Payload: Seen{}, Tell: tellSeen("collect.told.page")},
	{Name: eventScreen, Version: 1, Icon: "device-mobile", Group: "visits", Payload: Seen{}, Tell: tellSeen("collect.told.screen")},
}

// sourced reads the payload of version 1, which always names its source.
func sourced(_ int, payload json.RawMessage) (json.RawMessage, error) { return payload, nil }

// payload is what of an action stands on the timeline, with its version.
// Addresses and numbers of people that a site put into a name are masked.
func (a action) payload() (json.RawMessage, int) {
	p := Acted{Name: text.Masked(a.name, maxName), Source: a.source}
	if a.kind != "track" {
		return timeline.Payload(Seen{p.Name, p.Source}), 1
	}
	if shopEvents[folded(a.name)] != "" {
		for _, v := range a.props {
			if v.key == "name" || v.key == "products.name" && p.What == "" {
				p.What = text.Masked(v.text, 80)
			}
		}
	}
	return timeline.Payload(p), 2
}

// folded is the name of an event as it is compared: clients write Product
// Viewed, product viewed and product_viewed.
func folded(name string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == ' ' || r == '_' || r == '-' }), " ")
}

// shopEvents are the events of the e-commerce specification that are told in
// words of our own: the end of the key in the catalogues.
var shopEvents = map[string]string{
	"products searched": "searched", "product list viewed": "list", "product list filtered": "list",
	"promotion viewed": "promotion", "promotion clicked": "promotion.clicked",
	"product clicked": "product.clicked", "product viewed": "product", "viewed product": "product",
	"product added": "added", "added product": "added", "product removed": "removed", "removed product": "removed",
	"cart viewed": "cart", "viewed cart": "cart", "checkout started": "checkout", "checkout step viewed": "checkout.step", "checkout step completed": "checkout.step",
	"payment info entered": "payment", "coupon entered": "coupon", "coupon applied": "coupon", "coupon denied": "coupon.denied", "coupon removed": "coupon.removed",
	"product added to wishlist": "wished", "product removed from wishlist": "unwished", "wishlist product added to cart": "added",
	"product shared": "shared", "cart shared": "shared", "product reviewed": "reviewed",
	"signed up": "signed-up", "signed in": "signed-in", "signed out": "signed-out",
	"email opened": "email.opened", "email link clicked": "email.clicked", "unsubscribed": "unsubscribed",
}

func tellTracked(p *locale.Printer, e timeline.Event) (timeline.Line, error) {
	v, err := timeline.Decode[Acted](e)
	if err != nil {
		return timeline.Line{}, err
	}
	if key := shopEvents[folded(v.Name)]; key != "" {
		return timeline.Line{Text: p.T("collect.told." + key), Detail: v.What}, nil
	}
	return timeline.Line{Text: p.T("collect.told.other", "Name", v.Name)}, nil
}

func tellSeen(key string) func(*locale.Printer, timeline.Event) (timeline.Line, error) {
	return func(p *locale.Printer, e timeline.Event) (timeline.Line, error) {
		v, err := timeline.Decode[Seen](e)
		if err != nil {
			return timeline.Line{}, err
		}
		if v.Name == "" {
			return timeline.Line{Text: p.T(key)}, nil
		}
		return timeline.Line{Text: p.T(key+".named", "Name", v.Name)}, nil
	}
}
