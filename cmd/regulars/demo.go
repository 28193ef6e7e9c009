package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"regulars/internal/app"
	"regulars/internal/doors/demo"
	"regulars/internal/platform/errs"
)

type demoCmd struct {
	Serve      bool   `help:"Serve it too; makes it first if it is not there yet."`
	Addr       string `default:"localhost:8080" env:"REGULARS_ADDR" help:"Where to listen, with --serve."`
	Password   string `env:"REGULARS_DEMO_PASSWORD" placeholder:"WORDS" help:"With what its owner signs in; otherwise one is made up and printed."`
	Customers  int    `default:"6000" help:"How many customers it has."`
	Until      string `placeholder:"DAY" help:"The last day of its history, as 2026-03-31; otherwise yesterday."`
	Remove     bool   `help:"Empty the database of the demo store."`
	Everything bool   `help:"With --remove: also what was added to the demo store."`
}

func (c *demoCmd) Run(ctx context.Context, config app.Config, out io.Writer) error {
	if c.Remove && c.Serve {
		return errs.Wrong("", "regulars.demo-either")
	}
	a, err := app.Open(ctx, config)
	if err != nil {
		return err
	}
	defer a.Close()
	if c.Remove {
		if err := demo.Remove(ctx, a.DB, c.Everything); err != nil {
			return err
		}
		fmt.Fprintf(out, "The demo store is gone. %s is empty now, ready for your own.\n", a.DB.Name())
		return nil
	}
	there, err := demo.Is(ctx, a.DB)
	if err != nil {
		return err
	}
	if !there || !c.Serve {
		if err := c.make(ctx, a, out); err != nil {
			return err
		}
	}
	if !c.Serve {
		if err := a.Drain(ctx); err != nil {
			return err
		}
	}
	if err := c.letIn(ctx, a, out); err != nil || !c.Serve {
		return err
	}
	return a.Serve(ctx, app.ServeConfig{Addr: c.Addr, Work: true, Out: out})
}

// make makes the store and tells how it goes.
func (c *demoCmd) make(ctx context.Context, a *app.App, out io.Writer) error {
	began, terminal := time.Now(), isTerminal(out)
	told := false
	report := func(done, of int) {
		if !told {
			fmt.Fprintf(out, "Making the demo store %s in %s: two years of %d customers.\n", demo.Settings.Name, a.DB.Name(), c.Customers)
			told = true
		}
		if terminal {
			fmt.Fprintf(out, "\r\033[Kday %d of %d", done, of)
		}
	}
	made, err := demo.Make(ctx, a.DB, demo.Options{Customers: c.Customers, Until: c.Until, Tables: app.Tables(), Report: report})
	if terminal {
		fmt.Fprint(out, "\r\033[K")
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Done in %s: %d customers, %d orders, %d returns and %d sales to people without a name, from %s to %s.\n"+
		"None of it is real. regulars demo --remove takes it away.\n",
		time.Since(began).Round(100*time.Millisecond), made.Customers, made.Orders, made.Returns, made.WalkIns, made.From, made.Until)
	return nil
}

// letIn prints how to sign in.
func (c *demoCmd) letIn(ctx context.Context, a *app.App, out io.Writer) error {
	password, err := demo.LetIn(ctx, a.DB, c.Password)
	if errs.Is(err, errs.NotFound) { // the owner of the demo was given another address
		return nil
	}
	if err != nil {
		return err
	}
	if password == "" {
		fmt.Fprintf(out, "\nSign in as %s, as before. For a new password: regulars demo --serve --password WORDS\n\n", demo.OwnerEmail)
		return nil
	}
	fmt.Fprintf(out, "\nSign in as %s with the password %s\n\n", demo.OwnerEmail, password)
	return nil
}
