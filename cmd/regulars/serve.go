package main

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"strings"
	"time"

	"regulars/internal/app"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/mail"
	"regulars/internal/platform/telemetry"
)

type serveCmd struct {
	Addr    string         `default:"localhost:8080" env:"REGULARS_ADDR" help:"Where to listen."`
	Base    string         `env:"REGULARS_BASE" placeholder:"/PATH" help:"The path it is hosted under behind a proxy."`
	Proxies []netip.Prefix `name:"trusted-proxies" env:"REGULARS_TRUSTED_PROXIES" placeholder:"NETWORK" help:"Where the proxies in front of it are, such as 127.0.0.1/32: who visits is read from their X-Forwarded-For. Otherwise nobody's is believed."`
	Secure  bool           `env:"REGULARS_SECURE" help:"It is reached over https: cookies are sent over nothing else."`
	Dev     bool           `hidden:"" env:"REGULARS_DEV" help:"Add /dev/kit, the page of all components."`
	Work    bool           `default:"true" negatable:"" env:"REGULARS_WORK" help:"Also do the background work."`
	running
}

// running is what serve and work have in common.
type running struct {
	Workers      int           `default:"4" env:"REGULARS_WORKERS" help:"Jobs done side by side."`
	Within       time.Duration `name:"stop-within" default:"20s" env:"REGULARS_STOP_WITHIN" help:"How long running jobs may take to finish when it is stopped."`
	MetricsToken string        `name:"metrics-token" env:"REGULARS_METRICS_TOKEN" placeholder:"WORD" help:"Opens /metrics, for Prometheus, to who sends it as a bearer token. Without it there is no /metrics."`
	TracesTo     string        `name:"traces-to" env:"REGULARS_TRACES_TO" placeholder:"URL" help:"Where to send OpenTelemetry traces, by OTLP over HTTP: http://localhost:4318."`
	URL          string        `env:"REGULARS_URL" placeholder:"URL" help:"Where people reach the pages, for links in letters and for passkeys: https://shop.example."`
	MailHost     string        `name:"mail-host" env:"REGULARS_MAIL_HOST" placeholder:"HOST" help:"The mail server by which letters go out. Otherwise the owner chooses it on the page Mail."`
	MailPort     int           `name:"mail-port" env:"REGULARS_MAIL_PORT" placeholder:"PORT" help:"Its port; otherwise the usual one."`
	MailSecurity string        `name:"mail-security" default:"starttls" enum:"starttls,tls,none" env:"REGULARS_MAIL_SECURITY" help:"How the connection is encrypted: ${enum}."`
	MailUser     string        `name:"mail-user" env:"REGULARS_MAIL_USER" placeholder:"NAME" help:"The name to sign in with there."`
	MailFrom     string        `name:"mail-from" env:"REGULARS_MAIL_FROM" placeholder:"ADDRESS" help:"The address that letters come from."`
	MailPassword string        `name:"mail-password" env:"REGULARS_MAIL_PASSWORD" placeholder:"WORD" help:"The password there. It is better kept in the environment or the file than written on the command line."`
	TracesShare  float64       `name:"traces-share" default:"1" env:"REGULARS_TRACES_SHARE" help:"The share of requests and jobs that is traced, 0 to 1."`
	scheduled
}

// open opens the program with what is told of it; the function that is
// returned closes it.
func (c running) open(ctx context.Context, config app.Config) (*app.App, func(), error) {
	config.Workers, config.StopWithin, config.MetricsToken = c.Workers, c.Within, c.MetricsToken
	config.Mail = mail.Settings{Host: c.MailHost, Port: c.MailPort, Security: c.MailSecurity, User: c.MailUser, Password: c.MailPassword,
		From: c.MailFrom, URL: strings.TrimRight(c.URL, "/")}
	t, err := telemetry.New(telemetry.Options{Version: config.Version, TracesTo: c.TracesTo, Share: c.TracesShare})
	if err != nil {
		return nil, nil, errs.Of(errs.Invalid, err, "regulars.traces")
	}
	config.Telemetry = t
	c.into(&config)
	a, err := app.Open(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	return a, func() {
		sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		if err := errors.Join(t.Close(sending), a.Close()); err != nil {
			config.Log.Warn("closing", "error", err)
		}
	}, nil
}

func (c *serveCmd) Run(ctx context.Context, config app.Config, out io.Writer) error {
	a, closing, err := c.open(ctx, config)
	if err != nil {
		return err
	}
	defer closing()
	return a.Serve(ctx, app.ServeConfig{Addr: c.Addr, Base: c.Base, Secure: c.Secure, Proxies: c.Proxies, Dev: c.Dev, Work: c.Work, Out: out})
}

type workCmd struct {
	Addr string `name:"health-addr" env:"REGULARS_HEALTH_ADDR" placeholder:"HOST:PORT" help:"Where to answer /healthz, /readyz and /metrics; otherwise nothing listens."`
	running
}

func (c *workCmd) Run(ctx context.Context, config app.Config, out io.Writer) error {
	a, closing, err := c.open(ctx, config)
	if err != nil {
		return err
	}
	defer closing()
	if c.Addr != "" {
		return a.Serve(ctx, app.ServeConfig{Addr: c.Addr, HealthOnly: true, Work: true, Out: out})
	}
	return a.Work(ctx)
}
