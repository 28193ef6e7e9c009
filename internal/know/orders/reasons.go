package orders

import (
	"slices"
	"strings"

	"regulars/internal/platform/text"
)

// Reasons are the words for why something was returned, refunded or cancelled:
// few, so that patterns can stand out. What somebody said in their own words
// is the note beside it.
var Reasons = []string{
	"damaged", "wrong_item", "not_as_described", "does_not_fit", "changed_mind", "late", "not_delivered",
	"out_of_stock", "too_expensive", "duplicate", "payment", "fraud", "other",
}

// spellings are other systems' words for them.
var spellings = map[string]string{
	"requested_by_customer": "changed_mind", "customer": "changed_mind", "customer_changed_mind": "changed_mind", "unwanted": "changed_mind",
	"inventory": "out_of_stock", "declined": "payment", "payment_failed": "payment", "fraudulent": "fraud", "defective": "damaged",
	"broken": "damaged", "expired_uncaptured_charge": "payment", "low_quality": "not_as_described", "wrong_size": "does_not_fit",
	"size": "does_not_fit", "delivery": "late", "unused": "changed_mind",
}

// knownReason returns the word of Reasons for what was said; anything else is
// other, with what was said kept in the note.
func knownReason(said, note string) (reason, kept string) {
	said = text.Line(said)
	if said == "" {
		return "", note
	}
	word := strings.NewReplacer(" ", "_", "-", "_").Replace(text.Fold(said))
	if slices.Contains(Reasons, word) {
		return word, note
	}
	if known, ok := spellings[word]; ok {
		return known, note
	}
	if note == "" {
		note = text.Short(said, 2000)
	}
	return "other", note
}

// Reason is the word of Reasons for what was said, without keeping what was
// said: "" for nothing, other for anything unknown.
func Reason(said string) string {
	word, _ := knownReason(said, "")
	return word
}
