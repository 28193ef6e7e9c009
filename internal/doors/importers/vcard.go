package importers

import "regulars/internal/platform/sheet"

// vcards is the layout of a file of contacts, which package sheet lays out as a
// table.
var vcards = Layout{
	Name: "vcard",
	Columns: map[Field][]string{
		Name: {sheet.CardName}, Given: {sheet.CardGiven}, Family: {sheet.CardFamily}, Email: {sheet.CardEmail}, Phone: {sheet.CardPhone},
		Street: {sheet.CardStreet}, City: {sheet.CardCity}, Region: {sheet.CardRegion}, Postcode: {sheet.CardPostcode},
		Country: {sheet.CardCountry}, Birthday: {sheet.CardBirthday}, Tags: {sheet.CardCategories}, Language: {sheet.CardLanguage},
	},
	Needs:  []Field{Name, Email, Phone},
	Signs:  []string{sheet.CardUID, sheet.CardRevision},
	Source: "contacts",
	Tell: func(r *reader, row sheet.Row, rec *Record) error {
		rec.Person.Emails, rec.Person.Phones = r.other(row, plainName(sheet.CardEmails)), r.other(row, plainName(sheet.CardPhones))
		if org := r.other(row, plainName(sheet.CardOrganisation)); rec.Person.Name == "" && rec.Person.Given+rec.Person.Family == "" {
			rec.Person.Name = org
		}
		return nil
	},
}
