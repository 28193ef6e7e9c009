package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"regulars/internal/app"
	"regulars/internal/app/migrations"
	"regulars/internal/know/facts"
	"regulars/internal/measure/scores"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
)

type checkCmd struct {
	Rebuild bool `help:"Fold every customer's facts and compute every score again, and mend those that differ; none should."`
	NewKey  bool `help:"Give up what was sealed with a key that is lost; passwords of mail and shops have to be entered again."`
	Spread  bool `name:"distribute" help:"Spread a PostgreSQL database with data over the machines of a Citus cluster. Stop every other regulars before."`
	JSON    bool `help:"Say what was found as JSON."`
}

func (c *checkCmd) Run(ctx context.Context, config app.Config, out io.Writer) error {
	config.AnyKey = c.NewKey
	return withDB(ctx, config, func(db *store.DB) error {
		if c.NewKey {
			if err := db.Tx(ctx, func(tx *store.Tx) error { return users.ForgetSecrets(ctx, tx) }); err != nil {
				return err
			}
		}
		if c.Spread {
			return c.distribute(ctx, db, out)
		}
		log, err := users.CheckAudit(ctx, db)
		if err != nil {
			return err
		}
		if len(log.Faults) > 0 {
			for _, f := range log.Faults {
				fmt.Fprintln(out, "audit log: "+f)
			}
			return errs.Of(errs.Conflict, nil, "users.audit.broken", "Count", len(log.Faults))
		}
		if !c.JSON {
			fmt.Fprintf(out, "The audit log is as it was written: %d lines in one chain", log.Lines)
			if log.Before > 0 {
				fmt.Fprintf(out, ", and %d from before there was one", log.Before)
			}
			fmt.Fprintln(out, ".")
		}
		if !c.Rebuild && c.JSON {
			return json.NewEncoder(out).Encode(map[string]any{"database": db.Name(), "current": true, "audit": log})
		}
		if !c.Rebuild {
			fmt.Fprintf(out, "%s can be opened and its schema is up to date. --rebuild proves what is derived.\n", db.Name())
			return nil
		}
		folded, err := facts.Rebuild(ctx, db, func(d facts.Difference) {
			if !c.JSON {
				fmt.Fprintf(out, "%s: stored %+v, folded %+v\n", d.Customer, d.Stored, d.Folded)
			}
		})
		if err != nil {
			return err
		}
		scored, err := scores.Rebuild(ctx, db, func(d scores.Difference) {
			if !c.JSON {
				fmt.Fprintf(out, "%s: stored %+v, computed %+v\n", d.Customer, d.Stored, d.Reckoned)
			}
		})
		if err != nil {
			return err
		}
		if c.JSON {
			err = json.NewEncoder(out).Encode(map[string]any{"facts": folded, "scores": scored})
		} else {
			fmt.Fprintf(out, "%d customers folded again, %d differed.\n", folded.Customers, folded.Differences)
			fmt.Fprintf(out, "%d customers scored again as of %s, %d differed.\n", scored.Customers, scored.AsOfDay, scored.Differences)
		}
		if n := folded.Differences + scored.Differences; err == nil && n > 0 {
			err = errs.Of(errs.Internal, nil, "regulars.mended", "Count", n)
		}
		return err
	})
}

func (c *checkCmd) distribute(ctx context.Context, db *store.DB, out io.Writer) error {
	tables, err := store.Distribute(ctx, db, migrations.FS)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(out).Encode(map[string]any{"distributed": tables})
	}
	fmt.Fprintf(out, "%d tables were spread over the machines of the cluster; the others lie where they should.\n", len(tables))
	return nil
}
