package kit

import (
	"net/url"
	"slices"
)

// Form is what fields show: the values typed and the errors found. It is
// embedded in web.Form, which reads it.
type Form struct {
	Values url.Values
	Errors []FieldError
}

// FieldError is a sentence about one field; an empty field means the form.
type FieldError struct {
	Field string
	Text  string
}

// Add notes an error; the first of a field is kept.
func (f *Form) Add(field, sentence string) {
	if field == "" || f.ErrorOf(field) == "" {
		f.Errors = append(f.Errors, FieldError{field, sentence})
	}
}

// ErrorOf returns the sentence about a field, or "".
func (f *Form) ErrorOf(field string) string {
	i := slices.IndexFunc(f.Errors, func(e FieldError) bool { return e.Field == field })
	if i < 0 {
		return ""
	}
	return f.Errors[i].Text
}

// Value returns what a field holds.
func (f *Form) Value(name string) string { return f.Values.Get(name) }

// Option is a choice of a select.
type Option struct{ Value, Text string }

// Field is one labelled input with its hint and error. It is made by the
// form's methods and shown by the template kit/field:
//
//	{{template "kit/field" ((.Form.TextField "name" (t "customers.name")).Must.Max 80)}}
type Field struct {
	Kind     string // the input's type, or "select", "area", "check", "file", "money"
	Name     string
	Label    string
	Value    string
	Error    string
	HintText string
	Required bool
	MaxLen   int
	Unit     string // shown behind the input: a currency, "%"
	Complete string // the autocomplete attribute
	Accept   string // of a file
	Choices  []Option
	Rows     int
	Focused  bool
	Mode     string // the inputmode attribute
}

func (f *Form) field(kind, name, label string) Field {
	return Field{Kind: kind, Name: name, Label: label, Value: f.Values.Get(name), Error: f.ErrorOf(name)}
}

// TextField is one line of text.
func (f *Form) TextField(name, label string) Field { return f.field("text", name, label) }

// EmailField is an email address.
func (f *Form) EmailField(name, label string) Field { return f.field("email", name, label) }

// PhoneField is a phone number.
func (f *Form) PhoneField(name, label string) Field { return f.field("tel", name, label) }

// PasswordField never shows what was typed again.
func (f *Form) PasswordField(name, label string) Field {
	field := f.field("password", name, label)
	field.Value = ""
	return field
}

// NumberField is a number as people write it in their language.
func (f *Form) NumberField(name, label string) Field {
	field := f.field("text", name, label)
	field.Mode = "decimal"
	return field
}

// MoneyField is an amount of a currency.
func (f *Form) MoneyField(name, label, currency string) Field {
	return f.NumberField(name, label).In(currency)
}

// DateField is a calendar day.
func (f *Form) DateField(name, label string) Field { return f.field("date", name, label) }

// SelectField is a choice of one.
func (f *Form) SelectField(name, label string, options []Option) Field {
	field := f.field("select", name, label)
	field.Choices = options
	return field
}

// CheckField is a box to tick.
func (f *Form) CheckField(name, label string) Field { return f.field("check", name, label) }

// AreaField is text of several lines.
func (f *Form) AreaField(name, label string) Field {
	field := f.field("area", name, label)
	field.Rows = 4
	return field
}

// FileField is a file to be chosen or dropped; accept lists endings: ".csv,.xlsx".
func (f *Form) FileField(name, label, accept string) Field {
	field := f.field("file", name, label)
	field.Accept = accept
	return field
}

// Must marks the field as one that has to be filled.
func (f Field) Must() Field { f.Required = true; return f }

// Hint is a sentence beneath the label.
func (f Field) Hint(text string) Field { f.HintText = text; return f }

// Max is the greatest number of characters.
func (f Field) Max(n int) Field { f.MaxLen = n; return f }

// In names the unit behind the input.
func (f Field) In(unit string) Field { f.Unit = unit; return f }

// Auto is the autocomplete attribute: "email", "current-password".
func (f Field) Auto(token string) Field { f.Complete = token; return f }

// Lines is the height of an area.
func (f Field) Lines(n int) Field { f.Rows = n; return f }

// First puts the cursor into the field when the page opens.
func (f Field) First() Field { f.Focused = true; return f }

// DescribedBy lists the ids of hint and error for aria-describedby.
func (f Field) DescribedBy() string {
	switch {
	case f.HintText != "" && f.Error != "":
		return "hint-" + f.Name + " error-" + f.Name
	case f.HintText != "":
		return "hint-" + f.Name
	case f.Error != "":
		return "error-" + f.Name
	}
	return ""
}
