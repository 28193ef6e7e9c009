package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"regulars/internal/app"
	"regulars/internal/know/facts"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
)

type checkCmd struct {
	Rebuild bool `help:"Fold every customer's facts again and mend those that differ; none should."`
	JSON    bool `help:"Say what was found as JSON."`
}

func (c *checkCmd) Run(ctx context.Context, config app.Config, out io.Writer) error {
	return withDB(ctx, config, func(db *store.DB) error {
		if !c.Rebuild {
			fmt.Fprintf(out, "%s can be opened and its schema is up to date. --rebuild proves what is derived.\n", db.Name())
			return nil
		}
		done, err := facts.Rebuild(ctx, db, func(d facts.Difference) {
			if !c.JSON {
				fmt.Fprintf(out, "%s: stored %+v, folded %+v\n", d.Customer, d.Stored, d.Folded)
			}
		})
		if err != nil {
			return err
		}
		if c.JSON {
			err = json.NewEncoder(out).Encode(done)
		} else {
			fmt.Fprintf(out, "%d customers folded again, %d differed.\n", done.Customers, done.Differences)
		}
		if err == nil && done.Differences > 0 {
			err = errs.New(errs.Internal, nil, "%d customers' facts were wrong and have been mended", done.Differences)
		}
		return err
	})
}
