package importers

import (
	"slices"
	"strconv"
	"strings"

	"regulars/internal/know/orders"
	"regulars/internal/platform/text"
)

// period is so many of a unit.
type period struct {
	unit  string // of orders.Units
	every int64
}

// periods are the words for how often is paid.
var periods = func() map[string]period {
	all := map[string]period{}
	for p, words := range map[period]string{
		{"day", 1}:   "day days daily d den denně giorno giornaliero ден день 일 매일",
		{"week", 1}:  "week weeks weekly w týden týdně settimana settimanale седмица седмично неделя 주 매주",
		{"week", 2}:  "biweekly fortnight fortnightly",
		{"month", 1}: "month months monthly m mo měsíc měsíce měsíčně mese mesi mensile месец месечно месяц месяца месяцев ежемесячно 월 개월 매월 월간",
		{"month", 2}: "bimonthly",
		{"month", 3}: "quarter quarterly čtvrtletí čtvrtletně trimestre trimestrale тримесечие тримесечно квартал ежеквартально 분기",
		{"month", 6}: "semester semiannual semiannually biannual biannually halfyear halfyearly pololetí pololetně semestre semestrale полугодие 반기",
		{"year", 1}:  "year years yearly annual annually annum y rok roky ročně anno anni annuale година годишно год года лет ежегодно 년 연간 매년",
	} {
		for word := range strings.FieldsSeq(words) {
			all[plainName(word)] = p
		}
	}
	return all
}()

// parsePeriod reads how often is paid: month, yearly, 3 months, every 6 weeks,
// P1Y.
func parsePeriod(cell string) (period, bool) {
	words := text.Words(cell)
	if p, ok := periods[strings.Join(words, "")]; ok {
		return p, true
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "every" || w == "per" || w == "a" || w == "each" || w == "x" })
	if len(words) == 1 {
		words = apart(strings.TrimPrefix(words[0], "p"))
	}
	times := int64(1)
	if len(words) == 2 {
		for i, w := range words {
			n, err := strconv.ParseInt(w, 10, 32)
			if err == nil && n >= 1 && n <= 1000 {
				times, words = n, slices.Delete(words, i, i+1)
				break
			}
		}
	}
	if len(words) != 1 {
		return period{}, false
	}
	p, ok := periods[words[0]]
	p.every *= times
	return p, ok
}

// apart cuts a word where its number ends: 3m.
func apart(word string) []string {
	i := strings.IndexFunc(word, func(r rune) bool { return r < '0' || r > '9' })
	if i <= 0 {
		return []string{word}
	}
	return []string{word[:i], word[i:]}
}

// noticed stands for a subscription of which notice was given.
const noticed = "notice"

// subscriptionStatuses are the words for what a subscription is, in ours; those
// whose first payment was never made are none.
var subscriptionStatuses = map[string]string{
	"active": orders.Active, "live": orders.Active, "running": orders.Active, "current": orders.Active, "ok": orders.Active,
	"aktivni": orders.Active, "attivo": orders.Active, "attiva": orders.Active, "активен": orders.Active, "активна": orders.Active, "활성": orders.Active,
	"pendingcancel": noticed, "pendingcancellation": noticed, "nonrenewing": noticed, "cancelling": noticed, "canceling": noticed,
	"trialing": orders.Trialing, "trialling": orders.Trialing, "trial": orders.Trialing, "intrial": orders.Trialing, "ontrial": orders.Trialing,
	"pastdue": orders.PastDue, "unpaid": orders.PastDue, "overdue": orders.PastDue, "late": orders.PastDue, "dunning": orders.PastDue,
	"paused": orders.Paused, "onhold": orders.Paused, "suspended": orders.Paused, "frozen": orders.Paused,
	"cancelled": orders.Ended, "canceled": orders.Ended, "ended": orders.Ended, "expired": orders.Ended, "inactive": orders.Ended, "terminated": orders.Ended,
	"completed": orders.Ended, "churned": orders.Ended, "zruseno": orders.Ended, "ukonceno": orders.Ended, "annullato": orders.Ended, "scaduto": orders.Ended,
	"отказан": orders.Ended, "прекратен": orders.Ended, "отменен": orders.Ended, "해지": orders.Ended,
	"incomplete": "", "incompleteexpired": "", "pending": "", "draft": "", "future": "",
}

// leavings are the words for why a subscription ends, in ours. That it was
// asked for is no reason.
var leavings = map[string]string{
	"cancellationrequested": "", "requestedbycustomer": "", "customerservice": "service", "lowquality": "quality", "switchedservice": "switched",
	"paymentfailed": "payment", "nonpayment": "payment", "paymentdisputed": "disputed", "tooexpensive": "too_expensive", "price": "too_expensive",
	"notused": "unused", "toocomplex": "too_complex", "missingfeatures": "missing_features",
}

func leaving(cell string) string {
	plain := plainName(cell)
	if reason, ok := leavings[plain]; ok {
		return reason
	}
	for _, reason := range orders.SubscriptionReasons {
		if plainName(reason) == plain {
			return reason
		}
	}
	if plain == "" {
		return ""
	}
	return "other"
}
