package main

import (
	"context"
	"io"
	"time"

	"regulars/internal/app"
)

type serveCmd struct {
	Addr    string        `default:"localhost:8080" env:"REGULARS_ADDR" help:"Where to listen."`
	Base    string        `env:"REGULARS_BASE" placeholder:"/PATH" help:"The path it is hosted under behind a proxy."`
	Secure  bool          `env:"REGULARS_SECURE" help:"It is reached over https: cookies are sent over nothing else."`
	Dev     bool          `hidden:"" env:"REGULARS_DEV" help:"Add /dev/kit, the page of all components."`
	Work    bool          `default:"true" negatable:"" env:"REGULARS_WORK" help:"Also do the background work."`
	Workers int           `default:"4" env:"REGULARS_WORKERS" help:"Jobs done side by side."`
	Within  time.Duration `name:"stop-within" default:"20s" env:"REGULARS_STOP_WITHIN" help:"How long running jobs may take to finish when it is stopped."`
}

func (c *serveCmd) Run(ctx context.Context, config app.Config, out io.Writer) error {
	config.Workers = c.Workers
	config.StopWithin = c.Within
	a, err := app.Open(ctx, config)
	if err != nil {
		return err
	}
	defer a.Close()
	return a.Serve(ctx, app.ServeConfig{Addr: c.Addr, Base: c.Base, Secure: c.Secure, Dev: c.Dev, Work: c.Work, Out: out})
}

type workCmd struct {
	Workers int           `default:"4" env:"REGULARS_WORKERS" help:"Jobs done side by side."`
	Within  time.Duration `name:"stop-within" default:"20s" env:"REGULARS_STOP_WITHIN" help:"How long running jobs may take to finish when it is stopped."`
}

func (c *workCmd) Run(ctx context.Context, config app.Config) error {
	config.Workers = c.Workers
	config.StopWithin = c.Within
	a, err := app.Open(ctx, config)
	if err != nil {
		return err
	}
	defer a.Close()
	return a.Work(ctx)
}
