package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// otlp sends spans to a collector in the JSON form of OTLP 1.x. The exporter
// that OpenTelemetry publishes does the same by way of gRPC's packages, which
// would make the program a tenth larger.
type otlp struct {
	url    string
	client *http.Client
}

func newOTLP(to string) (*otlp, error) {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("traces go to an address like http://localhost:4318, not to %q", to)
	}
	return &otlp{strings.TrimRight(to, "/") + "/v1/traces", &http.Client{Timeout: 10 * time.Second}}, nil
}

// The message as the protocol's JSON mapping has it: ids in hex, times in
// nanoseconds as text.
type (
	message       struct{ ResourceSpans []resourceSpans }
	resourceSpans struct {
		Resource   bag          `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	scopeSpans struct {
		Scope struct {
			Name string `json:"name"`
		} `json:"scope"`
		Spans []span `json:"spans"`
	}
	bag  struct{ Attributes []pair }
	pair struct {
		Key   string         `json:"key"`
		Value map[string]any `json:"value"`
	}
	span struct {
		TraceID      string `json:"traceId"`
		SpanID       string `json:"spanId"`
		ParentSpanID string `json:"parentSpanId,omitempty"`
		Name         string `json:"name"`
		Kind         int    `json:"kind"`
		Start        string `json:"startTimeUnixNano"`
		End          string `json:"endTimeUnixNano"`
		Attributes   []pair `json:"attributes,omitempty"`
		Status       struct {
			Code    int    `json:"code,omitempty"`
			Message string `json:"message,omitempty"`
		} `json:"status"`
	}
)

func (m message) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"resourceSpans": m.ResourceSpans})
}

func (b bag) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"attributes": b.Attributes})
}

// ExportSpans sends a batch. What the collector does not take is lost; the
// error goes to OpenTelemetry's own handler, not to the requests.
func (o *otlp) ExportSpans(ctx context.Context, all []sdktrace.ReadOnlySpan) error {
	if len(all) == 0 {
		return nil
	}
	group := scopeSpans{Spans: make([]span, len(all))}
	group.Scope.Name = scope
	for i, s := range all {
		group.Spans[i] = told(s)
	}
	body, err := json.Marshal(message{[]resourceSpans{{bag{pairs(all[0].Resource().Attributes())}, []scopeSpans{group}}}})
	if err != nil {
		return fmt.Errorf("write spans: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := o.client.Do(r)
	if err != nil {
		return fmt.Errorf("send spans: %w", err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	if res.StatusCode >= 300 {
		return fmt.Errorf("the collector of traces answers %s", res.Status)
	}
	return nil
}

// Shutdown has nothing to close.
func (o *otlp) Shutdown(context.Context) error { return nil }

func told(s sdktrace.ReadOnlySpan) span {
	t := span{
		TraceID: s.SpanContext().TraceID().String(), SpanID: s.SpanContext().SpanID().String(),
		Name: s.Name(), Kind: int(s.SpanKind()), // both count internal, server, client, producer, consumer from 1
		Start: nanos(s.StartTime()), End: nanos(s.EndTime()), Attributes: pairs(s.Attributes()),
	}
	if s.Parent().HasSpanID() {
		t.ParentSpanID = s.Parent().SpanID().String()
	}
	if s.Status().Code == codes.Error {
		t.Status.Code, t.Status.Message = 2, s.Status().Description
	}
	return t
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

func pairs(all []attribute.KeyValue) []pair {
	told := make([]pair, len(all))
	for i, kv := range all {
		told[i].Key = string(kv.Key)
		switch kv.Value.Type() {
		case attribute.INT64:
			told[i].Value = map[string]any{"intValue": strconv.FormatInt(kv.Value.AsInt64(), 10)}
		case attribute.BOOL:
			told[i].Value = map[string]any{"boolValue": kv.Value.AsBool()}
		default:
			told[i].Value = map[string]any{"stringValue": kv.Value.String()}
		}
	}
	return told
}
