package importers

import (
	"strings"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/platform/sheet"
)

// mailchimp is the layout of a Mailchimp audience: of those who subscribed,
// with the time and address of their consent as its proof; of those who
// unsubscribed, which is a no that stays; and of those whose address is dead.
var mailchimp = Layout{
	Name: "mailchimp",
	Columns: map[Field][]string{
		Email: {"Email Address", "Email"}, Given: {"First Name", "FNAME"}, Family: {"Last Name", "LNAME"}, Phone: {"Phone Number", "Phone"},
		Country: {"CC"}, Birthday: {"Birthday"}, Tags: {"TAGS"},
	},
	Needs:  []Field{Email},
	Signs:  []string{"LEID", "EUID"},
	Source: "mailchimp",
	UTC:    true,
	Tell:   tellMailchimp,
}

func tellMailchimp(r *reader, row sheet.Row, rec *Record) error {
	moment := func(column string) (time.Time, string, error) {
		cell := r.other(row, column)
		if cell == "" {
			return time.Time{}, "", nil
		}
		when, err := sheet.ParseTime(cell, r.settings.Dates)
		if err != nil {
			return time.Time{}, "", badCell{r.names[r.others[column]], err}
		}
		return when.In(r.zone), cell, nil
	}
	var times [4]time.Time
	var shown [4]string
	for i, column := range []string{"optintime", "confirmtime", "unsubtime", "cleantime"} {
		var err error
		if times[i], shown[i], err = moment(column); err != nil {
			return err
		}
	}
	if rec.Person.Email == "" {
		rec.Skip = true
		return nil
	}
	rec.Joined = times[0]
	var proof []string
	say := func(name, value string) {
		if value != "" {
			proof = append(proof, name+" "+value)
		}
	}
	say("OPTIN_TIME", shown[0])
	say("OPTIN_IP", r.other(row, "optinip"))
	say("CONFIRM_TIME", shown[1])
	say("CONFIRM_IP", r.other(row, "confirmip"))
	if agreed := later(times[0], times[1]); !agreed.IsZero() { // without a time there is no proof
		rec.Words = append(rec.Words, customers.Consent{Channel: "email", Given: true, At: agreed, Place: "Mailchimp", Words: strings.Join(proof, ", ")})
	}
	if _, left := r.others["unsubtime"]; left {
		said := strings.Join(strings.Fields("UNSUB_TIME "+shown[2]+" "+r.other(row, "unsubcampaigntitle")+" "+r.other(row, "unsubreason")+" "+r.other(row, "unsubreasonother")), " ")
		at := later(times[2], times[0])
		if times[2].IsZero() { // nobody says when: at the latest when the record was last touched
			if changed, _, err := moment("lastchanged"); err == nil {
				at = later(at, changed)
			}
		}
		rec.Firm = true
		rec.Words = append(rec.Words, customers.Consent{Channel: "email", At: at, Place: "Mailchimp", Words: said})
	}
	if _, cleaned := r.others["cleantime"]; cleaned {
		rec.Bounced = &customers.Bounce{Address: rec.Person.Email, At: times[3], Reason: "Mailchimp: cleaned"}
	}
	return nil
}

// later is the later of two moments, of which either may be unknown.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
