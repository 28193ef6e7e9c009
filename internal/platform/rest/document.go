package rest

import (
	"cmp"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// maxBody is how much an operation reads unless it says otherwise.
const maxBody = 1 << 20

// maxTags is how long an If-None-Match may be.
const maxTags = 1000

// maxRetryKey is how long a client's Idempotency-Key may be.
const maxRetryKey = 255

const about = "All that the pages of Regulars can do, for programs. Every request carries an API key: `Authorization: Bearer rk_…`. " +
	"A key can do what its scopes name, and no more than the member of staff who made it.\n\n" +
	"*Amounts* are whole numbers of the smallest unit of their currency (cents; whole won). *Days* are `2026-03-31` in the business's time zone, " +
	"*moments* RFC 3339. *Lists* come in pages: pass `next` as `after` until it is empty. " +
	"*Repeating safely*: send an `Idempotency-Key` with anything that writes; the same key gives the same answer for a day. " +
	"*Changing safely*: send the `ETag` you read as `If-Match`. *Errors* are RFC 9457 problems that name the field at fault."

// config is the document without its operations.
func config(version string) huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Regulars", Version: version, Description: about,
				License: &huma.License{Name: "MIT", Identifier: "MIT"}},
			Servers:  []*huma.Server{{URL: Base, Description: "The store that serves this document"}},
			Security: []map[string][]string{{"key": {}}},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", named),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"key": {Type: "http", Scheme: "bearer", Description: "An API key, made on the page Settings, API keys"},
				},
			},
		},
		Formats:                      map[string]huma.Format{"application/json": plainJSON, "json": plainJSON},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{pick},
	}
}

// plainJSON is JSON, with our own words for what is wrong in it.
var plainJSON = huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: readJSON}

// named is what a type is called in the document: without the api in front.
func named(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	if rest, ok := strings.CutPrefix(strings.Replace(name, "API", "Api", 1), "Api"); ok {
		name = rest
	}
	for _, of := range []string{"List", "Kept"} {
		name = strings.Replace(name, of+"Api", of, 1)
	}
	return name
}

var once sync.Once

// hooks sets what package huma has for all of a program.
func hooks() {
	once.Do(func() {
		huma.DefaultArrayNullable = false
		huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
			return refused(nil, status, msg, errs)
		}
		huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
			c, ok := ctx.Context().Value(callKey{}).(*Call)
			p := refused(c, status, msg, errs)
			if ok {
				p.RequestID = c.ID
			}
			return p
		}
	})
}

// describe is the operation as the document has it.
func (o Operation) describe() huma.Operation {
	noun, _, _ := strings.Cut(cmp.Or(string(o.Scope), "key"), ":")
	op := huma.Operation{
		OperationID: o.Name, Method: o.Method(), Path: o.Path(), Summary: o.Summary, Description: o.describeText(),
		Tags: []string{noun}, DefaultStatus: o.Status, MaxBodyBytes: cmp.Or(o.MaxBody, maxBody), BodyReadTimeout: 30 * time.Second,
		Security: []map[string][]string{{"key": {}}},
	}
	if o.Takes != "" {
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{o.Takes: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}
	}
	if o.Writes() {
		n := maxRetryKey
		op.Parameters = []*huma.Param{{Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &n},
			Description: "Any text of your own. The same request with the same one is done once, and gets the same answer for a day."}}
	}
	return op
}

// unchanged adds to the description of what is read with an ETag that it is not
// sent again to who has it.
func unchanged(op *huma.Operation) {
	if op.Method != http.MethodGet || op.Responses["200"] == nil || op.Responses["200"].Headers["ETag"] == nil {
		return
	}
	n := maxTags
	op.Parameters = append(op.Parameters, &huma.Param{Name: "If-None-Match", In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &n},
		Description: "An ETag that you have: while the answer is still that, it is not sent again"})
	op.Responses["304"] = &huma.Response{Description: "Not Modified"}
}

func (o Operation) describeText() string {
	text := o.Text
	if text != "" {
		text += "\n\n"
	}
	if o.Scope == "" {
		return text + "Any key will do."
	}
	return text + "Needs the scope `" + string(o.Scope) + "` and the role " + o.Role.String() + "."
}
