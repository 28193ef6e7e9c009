// Package telemetry tells whoever keeps the server running how it fares:
// metrics in the form of Prometheus, traces by OpenTelemetry.
//
// Its one rule: it names routes, kinds of jobs and statements, never what
// stands in them. No label or attribute holds anything of a customer.
package telemetry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

const scope = "regulars"

// Options say what is told. The zero value counts, and traces nothing.
type Options struct {
	Version string
	// TracesTo is the address of a collector that takes OTLP over HTTP as JSON,
	// without a path ("http://localhost:4318"); empty: nothing is traced.
	TracesTo string
	// Share of the requests that are traced when their caller does not say, 0
	// to 1; zero: all.
	Share float64
}

// Telemetry counts and traces. All of its methods may be called on nil, which
// does neither, and by many goroutines.
type Telemetry struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	jobs     *prometheus.HistogramVec
	tracer   trace.Tracer
	provider *sdktrace.TracerProvider // nil: nothing is traced
}

// New makes a Telemetry of its own registry. A TracesTo that is no address is
// an error; a collector that does not answer is not, what it misses is lost.
func New(o Options) (*Telemetry, error) {
	t := &Telemetry{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "regulars_http_request_seconds", Help: "Time to answer requests, by route as listed in the program.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route", "status"}),
		jobs: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "regulars_job_seconds", Help: "Time that jobs of a kind took, by how they ended.",
			Buckets: []float64{.001, .005, .025, .1, .5, 2.5, 10, 60, 600},
		}, []string{"kind", "outcome"}),
		tracer: noop.NewTracerProvider().Tracer(scope),
	}
	about := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "regulars_info", Help: "Always 1; the version that runs.", ConstLabels: prometheus.Labels{"version": o.Version},
	})
	about.Set(1)
	t.registry.MustRegister(t.requests, t.jobs, about, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if o.TracesTo == "" {
		return t, nil
	}
	out, err := newOTLP(o.TracesTo)
	if err != nil {
		return nil, err
	}
	if o.Share == 0 {
		o.Share = 1
	}
	t.provider = sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(out),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(o.Share))),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "regulars"), attribute.String("service.version", o.Version))),
	)
	t.tracer = t.provider.Tracer(scope)
	return t, nil
}

// Close sends what is still to be sent.
func (t *Telemetry) Close(ctx context.Context) error {
	if t == nil || t.provider == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Handler answers with all metrics.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{})
}

// WatchPool adds the use of a pool of connections, by its name ("write").
func (t *Telemetry) WatchPool(name string, db *sql.DB) {
	if t != nil {
		t.registry.MustRegister(collectors.NewDBStatsCollector(db, name))
	}
}

// Gauge is a value that is looked up at each reading of the metrics.
type Gauge struct {
	Name, Help string
	Label      string // name of the label, "" when there is one value only
}

// WatchGauge adds a value by its label, read by look at each reading of the
// metrics. When look fails the value is missing and the reading goes on.
func (t *Telemetry) WatchGauge(g Gauge, look func(context.Context) (map[string]float64, error)) {
	if t == nil {
		return
	}
	var labels []string
	if g.Label != "" {
		labels = []string{g.Label}
	}
	t.registry.MustRegister(gauge{prometheus.NewDesc(g.Name, g.Help, labels, nil), g.Label != "", look})
}

type gauge struct {
	desc    *prometheus.Desc
	labeled bool
	look    func(context.Context) (map[string]float64, error)
}

func (g gauge) Describe(to chan<- *prometheus.Desc) { to <- g.desc }

func (g gauge) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	values, err := g.look(ctx)
	if err != nil {
		return
	}
	for label, v := range values {
		if g.labeled {
			to <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, v, label)
		} else {
			to <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, v)
		}
	}
}

// Request begins to watch a request; the returned function ends it with the
// pattern of its route ("" when there is none) and its status. The caller's
// trace goes on when they sent one.
func (t *Telemetry) Request(r *http.Request) (context.Context, func(route string, status int)) {
	if t == nil {
		return r.Context(), func(string, int) {}
	}
	ctx := r.Context()
	if t.provider != nil {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	ctx, span := t.tracer.Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
	begun := time.Now()
	return ctx, func(route string, status int) {
		if route == "" {
			route = "none"
		}
		t.requests.WithLabelValues(route, strconv.Itoa(status)).Observe(time.Since(begun).Seconds())
		if span.IsRecording() {
			span.SetName(route)
			span.SetAttributes(attribute.String("http.request.method", r.Method), attribute.String("http.route", route),
				attribute.Int("http.response.status_code", status))
			if status >= 500 {
				span.SetStatus(codes.Error, http.StatusText(status))
			}
		}
		span.End()
	}
}

// Job begins to watch a job of a kind; the returned function ends it.
func (t *Telemetry) Job(ctx context.Context, kind string) (context.Context, func(error)) {
	if t == nil {
		return ctx, func(error) {}
	}
	ctx, span := t.tracer.Start(ctx, kind, trace.WithSpanKind(trace.SpanKindConsumer))
	begun := time.Now()
	return ctx, func(err error) {
		outcome := "done"
		switch {
		case errors.Is(err, context.Canceled):
			outcome = "stopped"
		case err != nil:
			outcome = "failed"
			span.SetStatus(codes.Error, "failed") // the text may name somebody
		}
		t.jobs.WithLabelValues(kind, outcome).Observe(time.Since(begun).Seconds())
		span.End()
	}
}

// Statement begins to watch a statement within what ctx traces; its text has
// no values in it. Where nothing is traced it costs a look at ctx.
func Statement(ctx context.Context, text string) (context.Context, func(error)) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, func(error) {}
	}
	words := strings.Fields(text)
	ctx, span := parent.TracerProvider().Tracer(scope).Start(ctx, "sql "+words[0],
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("db.query.text", strings.Join(words, " "))))
	return ctx, func(err error) {
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			span.SetStatus(codes.Error, fmt.Sprintf("%T", err))
		}
		span.End()
	}
}
