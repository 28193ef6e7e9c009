// Package app is the one place that knows every module: what the program is
// made of (modules.go) and how it runs (run.go).
//
// Its one rule: nothing but lists and wiring; what a module does stands in
// the module.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"regulars/internal/app/migrations"
	"regulars/internal/doors/backup"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/jobs"
	"regulars/internal/platform/mail"
	"regulars/internal/platform/secrets"
	"regulars/internal/platform/store"
	"regulars/internal/platform/telemetry"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
)

// Config is what the whole program is told.
type Config struct {
	DB         string
	Version    string
	Key        string           // seals secrets, as secrets.Parse reads it; empty: KeyFile holds it
	KeyFile    string           // made at the first run; empty: beside the database's file
	AnyKey     bool             // opens a database whose secrets another key has sealed
	Internal   []netip.Prefix   // networks of one's own that webhooks may be sent into
	Exclusive  bool             // the command line has the database to itself
	Workers    int              // jobs done side by side; zero: 4
	StopWithin time.Duration    // for what runs when it is stopped; zero: 20 s
	Clock      func() time.Time // nil: the real one
	Log        *slog.Logger

	Telemetry    *telemetry.Telemetry // nil: nothing is counted or traced
	Mail         mail.Settings        // how mail goes out; without a host as the owner chooses it
	MetricsToken string               // opens /metrics; empty: there is none
	Backups      backup.Setup         // folder and key of scheduled backups; the rest is filled in
}

// App is an opened program: a database and the modules over it.
type App struct {
	Config
	DB      *store.DB
	Modules Modules
}

// Open opens the database, brings its schema up to date and puts the modules
// together.
func Open(ctx context.Context, c Config) (*App, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Workers == 0 {
		c.Workers = 4
	}
	if c.StopWithin == 0 {
		c.StopWithin = 20 * time.Second
	}
	box, err := c.secrets()
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, c.DB, store.Options{
		Migrations: migrations.FS, Clock: c.Clock, Exclusive: c.Exclusive, Secrets: box, AnyKey: c.AnyKey,
	})
	if err != nil {
		return nil, err
	}
	a := &App{Config: c, DB: db}
	if a.Modules, err = modules(db, c); err != nil {
		db.Close()
		return nil, err
	}
	return a, nil
}

// secrets finds the key that seals secrets: told, or in a file. On PostgreSQL
// the file stands in the working folder, and every machine needs a copy.
func (c Config) secrets() (*secrets.Box, error) {
	if c.Key != "" {
		box, err := secrets.Parse(c.Key)
		if err != nil {
			return nil, errs.Of(errs.Invalid, err, "app.wrong.key")
		}
		return box, nil
	}
	file := c.KeyFile
	switch {
	case file != "":
	case strings.Contains(c.DB, "://"):
		file = "regulars.key"
	default:
		file = c.DB + ".key"
	}
	box, err := secrets.File(file)
	if err != nil {
		return nil, errs.Of(errs.Invalid, err, "app.wrong.key-file")
	}
	return box, nil
}

func (c Config) now() time.Time {
	if c.Clock != nil {
		return c.Clock()
	}
	return time.Now()
}

// Close closes the database.
func (a *App) Close() error { return a.DB.Close() }

// Work does the background work until ctx ends. What waits for other people's
// machines has workers of its own and holds up nothing else.
func (a *App) Work(ctx context.Context) error {
	if err := backup.Tidy(a.DB, a.backups()); err != nil {
		a.Log.Warn("what a killed backup left behind is not removed", "error", err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 2)
	for _, kinds := range [][]jobs.Kind{a.Modules.Jobs, a.Modules.Sending} {
		runner := jobs.NewRunner(a.DB, kinds, jobs.Options{Workers: a.Workers, StopWithin: a.StopWithin, Log: a.Log, Telemetry: a.Telemetry})
		go func() { ended <- runner.Run(ctx) }()
	}
	err := <-ended
	stop()
	return errors.Join(err, <-ended)
}

// Drain does all background work that is due and returns: the command line
// ends with nothing left to do.
func (a *App) Drain(ctx context.Context) error { return jobs.Drain(ctx, a.DB, a.Modules.Jobs) }

// ServeConfig says how the pages are served.
type ServeConfig struct {
	Addr   string
	Base   string
	Secure bool
	Dev    bool
	// Proxies are the networks of proxies that say truly whom they speak for.
	Proxies []netip.Prefix
	Work    bool // also do the background work
	// HealthOnly serves no pages, only what tells whether all is well.
	HealthOnly bool
	Out        io.Writer
}

// Handler returns the pages as one handler.
func (a *App) Handler(ctx context.Context, c ServeConfig) (*web.Server, error) {
	secret, err := users.Secret(ctx, a.DB, "flash")
	if err != nil {
		return nil, err
	}
	if c.HealthOnly {
		return web.New(web.Config{
			Catalog: a.Modules.Catalog, Routes: a.Modules.Health, Shop: a.Modules.Shop, Now: a.DB.Now, Log: a.Log, Telemetry: a.Telemetry,
		})
	}
	return web.New(web.Config{
		Base: c.Base, Secure: c.Secure, Dev: c.Dev, Proxies: c.Proxies, Secret: secret,
		Catalog: a.Modules.Catalog, Routes: a.Modules.Routes, Files: a.Modules.Files,
		Places: a.Modules.Places, Panels: a.Modules.Panels,
		Authenticate: a.Modules.Authenticate, Shop: a.Modules.Shop,
		Now: a.DB.Now, Log: a.Log, Telemetry: a.Telemetry,
	})
}

// Serve serves the pages, and works jobs beside, until ctx ends; then it lets
// requests and jobs finish.
func (a *App) Serve(ctx context.Context, c ServeConfig) error {
	pages, err := a.Handler(ctx, c)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w. Is another program there? Choose another address with --addr", c.Addr, err)
	}
	url := "http://" + c.Addr + c.Base
	fmt.Fprintf(c.Out, "Regulars is ready at %s\n", url)
	if !c.HealthOnly {
		if err := a.greet(ctx, c.Out, url); err != nil {
			return err
		}
	}
	server := pages.HTTP(c.Addr)
	ended := make(chan error, 2)
	go func() { ended <- server.Serve(listener) }()
	working, stop := context.WithCancel(ctx)
	defer stop()
	worked := make(chan error, 1)
	if c.Work {
		go func() {
			err := a.Work(working)
			if working.Err() == nil {
				ended <- fmt.Errorf("background work ended: %w", err)
			}
			worked <- err
		}()
	} else {
		worked <- nil
	}
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.StopWithin)
	defer cancel()
	err = errors.Join(err, server.Shutdown(closing))
	stop()
	err = errors.Join(err, <-worked, a.Modules.API.Flush(closing))
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
