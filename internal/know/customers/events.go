package customers

import (
	"strings"

	"regulars/internal/know/timeline"
	"regulars/internal/platform/id"
	"regulars/internal/platform/locale"
)

const (
	kindJoined           = "customer.joined"
	kindChanged          = "customer.changed"
	kindTagged           = "customer.tagged"
	kindUntagged         = "customer.untagged"
	kindMerged           = "customer.merged"
	kindUnmerged         = "customer.unmerged"
	kindErased           = "customer.erased"
	kindNote             = "note.added"
	kindCall             = "call.logged"
	kindConsentGiven     = "consent.given"
	kindConsentWithdrawn = "consent.withdrawn"
	kindUnreachable      = "customer.unreachable"
	kindReachable        = "customer.reachable"
)

// Joined is the payload of customer.joined.
type Joined struct {
	Source string `json:"source"` // staff, import, api, or a shop
}

// Changed is the payload of customer.changed: names of fields, never what
// stands in them.
type Changed struct {
	Fields []string `json:"fields"` // such as name, phone, address
}

// Tagged is the payload of customer.tagged and customer.untagged.
type Tagged struct {
	Count int `json:"count"` // how many tags
}

// Merged is the payload of customer.merged and customer.unmerged, on the
// timeline of the survivor.
type Merged struct {
	Other id.Customer `json:"other"` // who was merged into this one
}

// Called is the payload of call.logged.
type Called struct {
	Direction string `json:"direction"` // in or out
	Outcome   string `json:"outcome"`   // reached, no_answer, message or wrong_number
}

// Decided is the payload of consent.given and consent.withdrawn, and of
// customer.unreachable and customer.reachable.
type Decided struct {
	Channel string `json:"channel"` // email, sms, post, phone or profiling
}

// Kinds are the events of this module.
var Kinds = []timeline.Kind{
	{Name: kindJoined, Version: 1, Icon: "user-plus", Group: "profile", Payload: Joined{}, Tell: tellJoined},
	{Name: kindChanged, Version: 1, Icon: "pencil", Group: "profile", Payload: Changed{}, Tell: tellChanged},
	{Name: kindTagged, Version: 1, Icon: "tag", Group: "profile", Payload: Tagged{}, Tell: tellCount("customers.event.tagged")},
	{Name: kindUntagged, Version: 1, Icon: "tag", Group: "profile", Payload: Tagged{}, Tell: tellCount("customers.event.untagged")},
	{Name: kindMerged, Version: 1, Icon: "git-merge", Group: "profile", Payload: Merged{}, Tell: tell("customers.event.merged", "")},
	{Name: kindUnmerged, Version: 1, Icon: "arrow-back-up", Group: "profile", Payload: Merged{}, Tell: tell("customers.event.unmerged", "")},
	{Name: kindErased, Version: 1, Icon: "trash", Group: "profile", Tell: tell("customers.event.erased", "")},
	{Name: kindNote, Version: 1, Icon: "note", Group: "conversations", Tell: tell("customers.event.note", "")},
	{Name: kindCall, Version: 1, Icon: "phone", Group: "conversations", Payload: Called{}, Tell: tellCall},
	{Name: kindConsentGiven, Version: 1, Icon: "shield-check", Group: "consent", Payload: Decided{}, Tell: tellConsent("customers.event.consent-given", "good")},
	{Name: kindConsentWithdrawn, Version: 1, Icon: "shield-check", Group: "consent", Payload: Decided{}, Tell: tellConsent("customers.event.consent-withdrawn", "warn")},
	{Name: kindUnreachable, Version: 1, Icon: "alert-circle", Group: "consent", Payload: Decided{}, Tell: tellConsent("customers.event.unreachable", "warn")},
	{Name: kindReachable, Version: 1, Icon: "shield-check", Group: "consent", Payload: Decided{}, Tell: tellConsent("customers.event.reachable", "good")},
}

type teller = func(*locale.Printer, timeline.Event) (timeline.Line, error)

func tell(key, tone string) teller {
	return func(p *locale.Printer, _ timeline.Event) (timeline.Line, error) {
		return timeline.Line{Text: p.T(key), Tone: tone}, nil
	}
}

func tellCount(key string) teller {
	return func(p *locale.Printer, e timeline.Event) (timeline.Line, error) {
		v, err := timeline.Decode[Tagged](e)
		return timeline.Line{Text: p.N(key, v.Count)}, err
	}
}

func tellJoined(p *locale.Printer, e timeline.Event) (timeline.Line, error) {
	v, err := timeline.Decode[Joined](e)
	return timeline.Line{Text: p.T("customers.event.joined"), Detail: sourceText(p, v.Source), Tone: "good"}, err
}

// sourceText says where something came from; a source of which we know
// nothing is shown as it is.
func sourceText(p *locale.Printer, source string) string {
	switch source {
	case "staff", "import", "demo", "api":
		return p.T("customers.source." + source)
	}
	return source
}

func tellChanged(p *locale.Printer, e timeline.Event) (timeline.Line, error) {
	v, err := timeline.Decode[Changed](e)
	names := make([]string, len(v.Fields))
	for i, f := range v.Fields {
		names[i] = p.T("customers.field." + f)
	}
	return timeline.Line{Text: p.T("customers.event.changed", "Fields", strings.Join(names, ", "))}, err
}

func tellCall(p *locale.Printer, e timeline.Event) (timeline.Line, error) {
	v, err := timeline.Decode[Called](e)
	tone := ""
	if v.Outcome == "wrong_number" {
		tone = "warn"
	}
	return timeline.Line{Text: p.T("customers.call."+v.Direction) + " · " + p.T("customers.outcome."+v.Outcome), Tone: tone}, err
}

func tellConsent(key, tone string) teller {
	return func(p *locale.Printer, e timeline.Event) (timeline.Line, error) {
		v, err := timeline.Decode[Decided](e)
		return timeline.Line{Text: p.T(key, "Channel", p.T("customers.channel."+v.Channel)), Tone: tone}, err
	}
}
