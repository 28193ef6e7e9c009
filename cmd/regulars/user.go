package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"regulars/internal/app"
	"regulars/internal/platform/errs"
	"regulars/internal/platform/store"
	"regulars/internal/platform/users"
	"regulars/internal/platform/web"
)

type userCmd struct {
	List     userListCmd     `cmd:"" help:"Who may sign in."`
	Add      userAddCmd      `cmd:"" help:"Add somebody; the password is read from standard input."`
	Password userPasswordCmd `cmd:"" help:"Set a new password, read from standard input, and end all sessions."`
	Disable  userDisableCmd  `cmd:"" help:"Let somebody in no more."`
	Link     userLinkCmd     `cmd:"" help:"Print the link by which the first owner moves in."`
	Factors  userFactorsCmd  `cmd:"" help:"Take passkeys, authenticator app and recovery codes of somebody away, who has lost them."`
}

type userListCmd struct{}

func (userListCmd) Run(ctx context.Context, config app.Config, out io.Writer) error {
	return withDB(ctx, config, func(db *store.DB) error {
		all, err := users.List(ctx, db)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, u := range all {
			state := ""
			if !u.DisabledAt.IsZero() {
				state = "disabled"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", u.Email, u.Name, u.Role, state)
		}
		return w.Flush()
	})
}

type userAddCmd struct {
	Email string `arg:"" help:"The address to sign in with."`
	Name  string `required:"" help:"The name that others see."`
	Role  string `enum:"viewer,till,agent,manager,owner" default:"agent" help:"One of ${enum}."`
}

func (c userAddCmd) Run(ctx context.Context, config app.Config, out io.Writer) error {
	password, err := readPassword(c.Email, c.Name)
	if err != nil {
		return err
	}
	role, err := web.ParseRole(c.Role)
	if err != nil {
		return err
	}
	return withDB(ctx, config, func(db *store.DB) error {
		err := db.Tx(ctx, func(tx *store.Tx) error {
			_, err := users.Add(ctx, tx, users.New{Email: c.Email, Name: c.Name, Role: role, Password: password})
			return err
		})
		if err == nil {
			fmt.Fprintf(out, "%s can sign in now.\n", c.Email)
		}
		return err
	})
}

type userPasswordCmd struct {
	Email string `arg:"" help:"Whose."`
}

func (c userPasswordCmd) Run(ctx context.Context, config app.Config, out io.Writer) error {
	return withDB(ctx, config, func(db *store.DB) error {
		u, err := users.ByEmail(ctx, db, c.Email)
		if err != nil {
			return err
		}
		password, err := readPassword(u.Email, u.Name)
		if err != nil {
			return err
		}
		return db.Tx(ctx, func(tx *store.Tx) error { return users.SetPassword(ctx, tx, 0, u.ID, password, "") })
	})
}

type userFactorsCmd struct {
	Email string `arg:"" help:"Whose."`
}

func (c userFactorsCmd) Run(ctx context.Context, config app.Config, out io.Writer) error {
	return withDB(ctx, config, func(db *store.DB) error {
		err := db.Tx(ctx, func(tx *store.Tx) error {
			u, err := users.ByEmail(ctx, tx, c.Email)
			if err != nil {
				return err
			}
			return users.ResetFactors(ctx, tx, 0, u.ID)
		})
		if err == nil {
			fmt.Fprintf(out, "%s can sign in with the password alone.\n", c.Email)
		}
		return err
	})
}

type userDisableCmd struct {
	Email string `arg:"" help:"Whom."`
}

func (c userDisableCmd) Run(ctx context.Context, config app.Config) error {
	return withDB(ctx, config, func(db *store.DB) error {
		return db.Tx(ctx, func(tx *store.Tx) error {
			u, err := users.ByEmail(ctx, tx, c.Email)
			if err != nil {
				return err
			}
			return users.Disable(ctx, tx, 0, u.ID)
		})
	})
}

type userLinkCmd struct {
	URL string `default:"http://localhost:8080" help:"Where the pages are."`
}

func (c userLinkCmd) Run(ctx context.Context, config app.Config, out io.Writer) error {
	return withDB(ctx, config, func(db *store.DB) error {
		n, err := users.Count(ctx, db)
		if err != nil {
			return err
		}
		if n > 0 {
			return errs.Clash("", "regulars.owner")
		}
		return db.Tx(ctx, func(tx *store.Tx) error {
			token, err := users.SetupLink(ctx, tx)
			if err == nil {
				fmt.Fprintf(out, "%s/set-up/%s\n", c.URL, token)
			}
			return err
		})
	})
}

// readPassword reads one line from standard input.
func readPassword(owner ...string) (users.Password, error) {
	fmt.Fprint(os.Stderr, "Password: ")
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && line == "" {
		return users.Password{}, errs.Wrong("password", "regulars.no-password")
	}
	return users.NewPassword(strings.TrimRight(line, "\r\n"), owner...)
}

func withDB(ctx context.Context, config app.Config, do func(*store.DB) error) error {
	a, err := app.Open(ctx, config)
	if err != nil {
		return err
	}
	defer a.Close()
	return do(a.DB)
}
