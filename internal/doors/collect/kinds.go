package collect

import (
	"slices"

	"regulars/internal/know/customers"
)

// The kinds of source.
const (
	Segment     = "segment"
	Shopify     = "shopify"
	WooCommerce = "woocommerce"
	Stripe      = "stripe"
	Square      = "square"
)

// kinds are all sorts of sources that can be added, in the order of the page.
// tables are those of all modules.
func kinds(tables []customers.Table) []Kind {
	return append([]Kind{segmentKind()}, shopSources(tables)...)
}

// kindOf finds a kind by its name.
func kindOf(all []Kind, name string) (Kind, bool) {
	i := slices.IndexFunc(all, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return all[i], true
}
