package main

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"

	"regulars/internal/app"
	"regulars/internal/doors/mcp"
	"regulars/internal/know/facts"
	"regulars/internal/measure/insights"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/jobs"
)

type mcpCmd struct {
	AllowWrites bool `help:"Also let it write notes, calls and tags. Otherwise it can only ask."`
}

// Run answers one assistant, which started the program, until it hangs up.
func (c *mcpCmd) Run(ctx context.Context, config app.Config, out io.Writer) error {
	a, err := app.Open(ctx, config)
	if err != nil {
		return err
	}
	defer a.Close()
	door := *a.Modules.Assistants
	// Nobody may be serving beside: what waits to be computed is computed here.
	work := slices.Concat(facts.Jobs(a.DB), scores.Jobs(a.DB), insights.Jobs(a.DB))
	door.Compute = func(ctx context.Context) error { return jobs.Drain(ctx, a.DB, work) }
	caller := mcp.Caller{May: func(scope string) bool { return c.AllowWrites || strings.HasSuffix(scope, ":read") }}
	return door.Serve(ctx, caller, os.Stdin, writeCloser{out})
}

// writeCloser is an output that stays open.
type writeCloser struct{ io.Writer }

func (writeCloser) Close() error { return nil }
