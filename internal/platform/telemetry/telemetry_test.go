package telemetry_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"regulars/internal/platform/telemetry"
)

// collector is what takes traces; it reads them by the protocol's own
// definition, which refuses fields it does not know.
type collector struct {
	*httptest.Server
	spans map[string]*tracepb.Span
	about map[string]string
}

func newCollector(t *testing.T) *collector {
	c := &collector{spans: map[string]*tracepb.Span{}, about: map[string]string{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var got tracepb.TracesData
		if err == nil {
			err = protojson.Unmarshal(body, &got)
		}
		if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %v\n%s", r.Method, r.URL.Path, err, body)
		}
		for _, rs := range got.GetResourceSpans() {
			for _, a := range rs.GetResource().GetAttributes() {
				c.about[a.GetKey()] = a.GetValue().GetStringValue()
			}
			for _, ss := range rs.GetScopeSpans() {
				for _, s := range ss.GetSpans() {
					c.spans[s.GetName()] = s
				}
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// hexID undoes what protojson made of an id: the protocol writes them in hex,
// where JSON of protocol buffers has base64.
func hexID(id []byte) string { return base64.StdEncoding.EncodeToString(id) }

func TestATraceHoldsTheRequestItsStatementsAndNoValues(t *testing.T) {
	c := newCollector(t)
	tel, err := telemetry.New(telemetry.Options{Version: "1.2.3", TracesTo: c.URL})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/customers/cus_1?q=ann@example.com", nil)
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	ctx, ended := tel.Request(r)
	_, done := telemetry.Statement(ctx, "\n\tselect name\n\tfrom customers where customer_id = $1")
	done(errors.New("ann@example.com was not found"))
	ended("GET /customers/{customer}", 500)
	_, worked := tel.Job(context.Background(), "facts.refresh")
	worked(errors.New("ann@example.com"))
	if err := tel.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	request, statement, job := c.spans["GET /customers/{customer}"], c.spans["sql select"], c.spans["facts.refresh"]
	if request == nil || statement == nil || job == nil {
		t.Fatalf("got %v", c.spans)
	}
	if len(hexID(request.GetTraceId())) != 32 || len(hexID(request.GetSpanId())) != 16 || string(statement.GetParentSpanId()) != string(request.GetSpanId()) {
		t.Error("the statement does not belong to the request")
	}
	if request.GetKind() != tracepb.Span_SPAN_KIND_SERVER {
		t.Errorf("the request is not a server's span: %v", request.GetKind())
	}
	if request.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_ERROR || request.GetEndTimeUnixNano() < request.GetStartTimeUnixNano() {
		t.Errorf("request %v", request)
	}
	if c.about["service.name"] != "regulars" || c.about["service.version"] != "1.2.3" {
		t.Errorf("told about itself: %v", c.about)
	}
	for name, s := range c.spans {
		if text := protojson.Format(s); strings.Contains(text, "example.com") {
			t.Errorf("%s tells who it was about: %s", name, text)
		}
	}
}

func TestTheCallersTraceGoesOn(t *testing.T) {
	c := newCollector(t)
	tel, err := telemetry.New(telemetry.Options{TracesTo: c.URL, Share: 0.000001})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	_, ended := tel.Request(r)
	ended("GET /{$}", 200)
	_ = tel.Close(t.Context())
	s := c.spans["GET /{$}"]
	if s == nil || hexID(s.GetTraceId()) != "0af7651916cd43dd8448eb211c80319c" || hexID(s.GetParentSpanId()) != "b7ad6b7169203331" {
		t.Errorf("got %v", s)
	}
}

func TestMetricsCountByRouteAndNeverByAddress(t *testing.T) {
	tel, err := telemetry.New(telemetry.Options{Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, ended := tel.Request(httptest.NewRequest("GET", "/customers/cus_1", nil))
		ended("GET /customers/{customer}", 200)
	}
	_, ended := tel.Request(httptest.NewRequest("GET", "/../../etc/passwd", nil))
	ended("", 404)
	_, worked := tel.Job(t.Context(), "facts.refresh")
	worked(nil)
	tel.WatchGauge(telemetry.Gauge{Name: "regulars_things", Help: "Things.", Label: "kind"}, func(context.Context) (map[string]float64, error) {
		return map[string]float64{"good": 2}, nil
	})
	tel.WatchGauge(telemetry.Gauge{Name: "regulars_broken", Help: "Broken."}, func(context.Context) (map[string]float64, error) {
		return nil, errors.New("no")
	})
	w := httptest.NewRecorder()
	tel.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	text := w.Body.String()
	for _, want := range []string{
		`regulars_http_request_seconds_count{route="GET /customers/{customer}",status="200"} 3`,
		`regulars_http_request_seconds_count{route="none",status="404"} 1`,
		`regulars_job_seconds_count{kind="facts.refresh",outcome="done"} 1`,
		`regulars_things{kind="good"} 2`, `regulars_info{version="1.2.3"} 1`, "go_goroutines",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if strings.Contains(text, "passwd") || strings.Contains(text, "cus_1") || strings.Contains(text, "regulars_broken{") {
		t.Error("more is told than should be")
	}
}

func TestNothingIsToldWhereNothingIsAsked(t *testing.T) {
	var none *telemetry.Telemetry
	_, ended := none.Request(httptest.NewRequest("GET", "/", nil))
	ended("GET /", 200)
	_, worked := none.Job(t.Context(), "x")
	worked(nil)
	if _, err := telemetry.New(telemetry.Options{TracesTo: "localhost:4318"}); err == nil {
		t.Error("an address without http is taken")
	}
}
