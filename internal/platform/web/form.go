package web

import (
	"errors"
	"fmt"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/locale"
	"regulars/internal/platform/money"
	"regulars/internal/platform/text"
	"regulars/internal/platform/web/kit"
)

// Form carries what was typed and what is wrong with it, so that a form that
// fails is shown again as it was. Reading a field cleans it and notes its
// error; after all are read, OK says whether to go on.
type Form struct {
	kit.Form
	print *locale.Printer
}

// NewForm returns an empty form to be filled with Set and shown.
func (r *Request) NewForm() *Form {
	return &Form{Form: kit.Form{Values: url.Values{}}, print: r.Print}
}

// QueryForm returns the form of a GET address, such as a filter bar.
func (r *Request) QueryForm() *Form {
	return &Form{Form: kit.Form{Values: r.URL.Query()}, print: r.Print}
}

// ReadForm reads a posted form, at most the route's MaxBody.
func (r *Request) ReadForm() (*Form, error) {
	if err := r.ParseForm(); err != nil {
		return nil, r.badBody(err)
	}
	if r.MultipartForm == nil && strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			return nil, r.badBody(err)
		}
	}
	return &Form{Form: kit.Form{Values: r.PostForm}, print: r.Print}, nil
}

// ReadUpload reads a multipart form up to its file field, which is returned
// as a stream: the file is never held in memory. Fields after the file are
// not read. Without a file the part is nil. Reading may take as long as the
// upload does.
func (r *Request) ReadUpload(w http.ResponseWriter, field string) (*Form, *multipart.Part, error) {
	f := r.NewForm()
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Hour))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Hour))
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, nil, r.badBody(err)
	}
	for range 100 {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return f, nil, nil
		}
		if err != nil {
			return nil, nil, r.badBody(err)
		}
		if part.FormName() == field {
			if part.FileName() == "" {
				return f, nil, nil
			}
			return f, part, nil
		}
		b, err := io.ReadAll(io.LimitReader(part, 64<<10))
		if err != nil {
			return nil, nil, r.badBody(err)
		}
		f.Values.Add(part.FormName(), string(b))
	}
	return nil, nil, errs.Of(errs.TooLarge, nil, "web.error.too-large.text")
}

func (r *Request) badBody(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return errs.Of(errs.TooLarge, err, "web.error.too-large.text")
	}
	return errs.Of(errs.Invalid, err, "web.error.body")
}

// Set fills a field before the form is shown.
func (f *Form) Set(name, value string) *Form {
	f.Values.Set(name, value)
	return f
}

// OK reports whether nothing was found wrong.
func (f *Form) OK() bool { return len(f.Errors) == 0 }

// Wrong notes an error of a field (empty: of the form as a whole) with a
// sentence that says what to do.
func (f *Form) Wrong(field, sentence string) { f.Add(field, sentence) }

// Take notes an errs.Invalid or errs.Conflict error of a verb in the form and
// returns nil; any other error is returned to be passed on.
func (f *Form) Take(err error) error {
	if err == nil || !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.Conflict) {
		return err
	}
	f.Wrong(errs.FieldOf(err), f.print.Sentence(err))
	return nil
}

// Text reads one line of at most max characters; it may be empty.
func (f *Form) Text(name string, max int) string {
	return f.bounded(name, text.Line(f.Values.Get(name)), max)
}

// Need reads one line that must not be empty.
func (f *Form) Need(name string, max int) string {
	v := f.Text(name, max)
	if v == "" {
		f.Wrong(name, f.print.T("web.form.required"))
	}
	return v
}

// Area reads text of several lines.
func (f *Form) Area(name string, max int) string {
	return f.bounded(name, text.Clean(strings.ReplaceAll(f.Values.Get(name), "\r\n", "\n")), max)
}

func (f *Form) bounded(name, v string, max int) string {
	if n := utf8.RuneCountInString(v); n > max {
		f.Wrong(name, f.print.T("web.form.too-long", "Max", f.print.Int(int64(max)), "Now", f.print.Int(int64(n))))
	}
	return v
}

// Email reads an address such as ana@example.com; it may be empty.
func (f *Form) Email(name string) string {
	v := f.Text(name, 254)
	if v == "" {
		return v
	}
	if a, err := mail.ParseAddress(v); err != nil || a.Address != v || !strings.Contains(v[strings.LastIndex(v, "@"):], ".") {
		f.Wrong(name, f.print.T("web.form.email"))
	}
	return v
}

// Int reads a whole number within bounds; an empty field is the lower one.
func (f *Form) Int(name string, low, high int) int {
	v := f.plainNumber(name)
	if v == "" {
		return low
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		f.Wrong(name, f.print.T("web.form.int", "Low", f.print.Int(int64(low)), "High", f.print.Int(int64(high))))
		return low
	}
	return n
}

// Decimal reads a number within bounds; an empty field is the lower one.
func (f *Form) Decimal(name string, low, high float64) float64 {
	v := f.plainNumber(name)
	if v == "" {
		return low
	}
	x, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsNaN(x) || x < low || x > high {
		f.Wrong(name, f.print.T("web.form.number", "Low", f.print.Decimal(low, -1), "High", f.print.Decimal(high, -1)))
		return low
	}
	return x
}

// Money reads an amount of the currency that is not negative; an empty field
// is nothing.
func (f *Form) Money(name string, currency money.Currency) money.Amount {
	zero := money.Amount{Currency: currency}
	v := f.plainNumber(name)
	if v == "" {
		return zero
	}
	whole, part, _ := strings.Cut(v, ".")
	units, err := strconv.ParseInt(whole+part, 10, 64)
	if err != nil || units < 0 || len(part) > currency.Exponent() || strings.ContainsAny(v, "+-") {
		f.Wrong(name, f.print.T("web.form.money", "Example", f.print.Money(money.Amount{Minor: 1250, Currency: currency})))
		return zero
	}
	minor, err := money.FromDecimal(units, len(part), currency)
	if err != nil {
		f.Wrong(name, f.print.T("web.form.money-large"))
		return zero
	}
	return money.Amount{Minor: minor, Currency: currency}
}

// plainNumber reads a number as people write it, 1 234,50 or 1,234.50, into
// 1234.50. The last mark is the point, unless it can only group thousands in
// the person's language. What is neither is returned as it is.
func (f *Form) plainNumber(name string) string {
	v := f.Text(name, 40)
	v = strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", "'", "", "’", "", "−", "-").Replace(v)
	last := strings.LastIndexAny(v, ",.")
	if last < 0 {
		return v
	}
	mark, whole, part := v[last:last+1], v[:last], v[last+1:]
	switch {
	case strings.Contains(whole, mark), // 1,234,567
		len(part) == 3 && mark != f.print.Point() && !strings.ContainsAny(whole, ",."):
		whole, part = v, ""
	}
	groups := strings.FieldsFunc(whole, func(r rune) bool { return r == ',' || r == '.' })
	for i, g := range groups {
		if i > 0 && len(g) != 3 {
			return v
		}
	}
	if len(groups) != strings.Count(whole, ",")+strings.Count(whole, ".")+1 && whole != "" {
		return v
	}
	if whole = strings.Join(groups, ""); part != "" {
		return whole + "." + part
	}
	return whole
}

// Day reads a calendar day YYYY-MM-DD as the browser's date field sends it;
// it may be empty.
func (f *Form) Day(name string) string {
	v := f.Text(name, 40)
	if v == "" {
		return v
	}
	t, err := time.Parse("2006-01-02", v)
	if err != nil || t.Year() < 1000 {
		f.Wrong(name, f.print.T("web.form.day"))
		return ""
	}
	return v
}

// Choice reads one of the allowed values; anything else is an error, and the
// first is returned.
func (f *Form) Choice(name string, allowed ...string) string {
	v := f.Values.Get(name)
	if slices.Contains(allowed, v) {
		return v
	}
	f.Wrong(name, f.print.T("web.form.choice"))
	return allowed[0]
}

// Bool reads a check box.
func (f *Form) Bool(name string) bool { return f.Values.Get(name) != "" }

// String returns what was typed, for tests' messages.
func (f *Form) String() string { return fmt.Sprint(f.Values, f.Errors) }
