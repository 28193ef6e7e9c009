package rest

import (
	"cmp"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/web"
)

// Problem is what is wrong, as RFC 9457 has it.
type Problem struct {
	Type      string  `json:"type" doc:"Always about:blank: the status says what sort of problem it is" maxLength:"200"`
	Title     string  `json:"title" doc:"The status in words"`
	Status    int     `json:"status" doc:"The HTTP status"`
	Detail    string  `json:"detail" doc:"What is wrong and what to do, for a person"`
	Errors    []Fault `json:"errors,omitempty" doc:"The inputs at fault"`
	RequestID string  `json:"request_id" doc:"Give it when you ask for help"`
}

// Fault is one input that is wrong.
type Fault struct {
	Detail    string `json:"detail" doc:"What is wrong with it"`
	Pointer   string `json:"pointer,omitempty" doc:"Where in the body: a JSON pointer"`
	Parameter string `json:"parameter,omitempty" doc:"Which part of the path, the query or the headers"`
}

// Error is the problem's sentence.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status; package huma asks for it.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of problems.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// NewProblem is a problem of a status, with a sentence for a person.
func NewProblem(status int, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// Problem makes of an error what the program is told: the sentence of an errs
// error with the field at fault. Any other error is logged, not told.
func (c *Call) Problem(err error) error {
	var ready huma.StatusError
	var headers huma.HeadersError
	if errors.As(err, &headers) {
		return err
	}
	if errors.As(err, &ready) {
		if p, ok := ready.(*Problem); ok {
			p.RequestID = c.ID
		}
		return ready
	}
	kind := errs.KindOf(err)
	if kind == errs.Internal && c.Context().Err() == nil {
		c.LogFault(err)
	}
	var twisted twist
	errors.As(err, &twisted)
	p := NewProblem(cmp.Or(twisted.status, web.StatusOf(kind)), c.Sentence(err))
	p.RequestID = c.ID
	if twisted.parameter != "" {
		p.Errors = []Fault{{Detail: p.Detail, Parameter: twisted.parameter}}
		return p
	}
	if field := errs.FieldOf(err); field != "" && (kind == errs.Invalid || kind == errs.Conflict) {
		p.Errors = []Fault{{Detail: p.Detail, Pointer: pointer(field)}}
		if field == "after" {
			p.Errors = []Fault{{Detail: p.Detail, Parameter: field}}
		}
	}
	return p
}

// Under puts the field at fault of an error below a field of the body: name of
// item 3 becomes items/3/name. Without one of its own it is the field itself.
func Under(field string, err error) error {
	var e *errs.Error
	if !errors.As(err, &e) || e.Kind != errs.Invalid && e.Kind != errs.Conflict {
		return err
	}
	moved := *e
	moved.Field = strings.TrimSuffix(field+"/"+e.Field, "/")
	return &moved
}

func pointer(field string) string {
	return "#/" + strings.NewReplacer("~", "~0").Replace(field)
}

var (
	index   = regexp.MustCompile(`\[(\d+)\]`)
	missing = regexp.MustCompile(`^expected required property (\S+) to be present`)
)

// refused is what package huma found wrong with an input. The values it quotes
// are left away: they may be personal, and the program knows what it sent.
func refused(c *Call, status int, msg string, all []error) *Problem {
	p := NewProblem(status, strings.ToUpper(msg[:min(1, len(msg))])+msg[min(1, len(msg)):]+".")
	if status == http.StatusUnprocessableEntity {
		p.Detail = "Some of what was sent cannot be accepted. Look at errors for what and where."
	}
	for _, err := range all {
		var d huma.ErrorDetailer
		if !errors.As(err, &d) {
			continue
		}
		e := d.ErrorDetail()
		if c != nil {
			if f, ok := c.fault(e); ok {
				p.Detail, p.Errors = f.Detail, append(p.Errors, f)
				continue
			}
		}
		f := Fault{Detail: e.Message}
		in, rest, _ := strings.Cut(e.Location, ".")
		if in, _, _ := strings.Cut(in, "["); in == "body" {
			f.Pointer = "#/" + strings.TrimPrefix(strings.ReplaceAll(index.ReplaceAllString(strings.TrimPrefix(e.Location, "body"), ".$1"), ".", "/"), "/")
		} else {
			f.Parameter = rest
		}
		if m := missing.FindStringSubmatch(e.Message); m != nil && f.Parameter == "" {
			f.Pointer = strings.TrimSuffix(f.Pointer, "/") + "/" + m[1]
		}
		p.Errors = append(p.Errors, f)
	}
	return p
}

// twist is an errs error that is told in another way than its kind says.
type twist struct {
	error
	status    int    // 0: that of the kind
	parameter string // the input at fault is no part of the body
}

func (t twist) Unwrap() error { return t.error }

// BadParameter says that an error is about a part of the path or the query.
func BadParameter(name string, err error) error { return twist{err, 0, name} }

// Stale says that an error is about a thing that is not any more as the
// program knew it: 412.
func Stale(err error) error { return twist{err, http.StatusPreconditionFailed, ""} }
