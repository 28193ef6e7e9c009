// Command regulars is the whole program: server, worker and command line.
package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"regulars/internal/app"
	"regulars/internal/platform/errs"
)

// version is set by the build: -ldflags "-X main.version=1.2.3".
var version = "dev"

// own are the sentences of the command line.
//
//go:embed text
var own embed.FS

// cli is the command line: one field a subcommand, each in its own file.
type cli struct {
	DB       string           `env:"REGULARS_DB" placeholder:"FILE|URL" help:"The database: a file (SQLite), or postgres://user:password@host/name. Otherwise regulars.db, and demo.db for the demo store."`
	Config   string           `env:"REGULARS_CONFIG" placeholder:"FILE" help:"A file of settings, a line each as the environment has them: REGULARS_DB=shop.db."`
	KeyFile  string           `name:"key-file" env:"REGULARS_KEY_FILE" placeholder:"FILE" help:"The key that seals passwords and other secrets in the database. Made at the first run, beside the database; keep a copy of it apart. REGULARS_SECRET_KEY may hold the key itself."`
	Internal []netip.Prefix   `name:"allow-internal" env:"REGULARS_ALLOW_INTERNAL" placeholder:"NETWORK" help:"Networks of your own, such as 10.0.0.0/8, that webhooks and sign-in providers may be called in. Otherwise public addresses alone are called."`
	Log      string           `default:"info" enum:"debug,info,warn,error" env:"REGULARS_LOG" help:"How much to log: ${enum}."`
	Version  kong.VersionFlag `help:"Print the version and end."`

	Serve   serveCmd   `cmd:"" help:"Serve the pages and do the background work."`
	Work    workCmd    `cmd:"" help:"Only do the background work, beside a server on PostgreSQL."`
	Import  importCmd  `cmd:"" help:"Read a store's file: its customers, orders and refunds."`
	Report  reportCmd  `cmd:"" help:"Say who comes back, straight from files: no server, no database."`
	Demo    demoCmd    `cmd:"" help:"Make a demo store to try everything in."`
	MCP     mcpCmd     `cmd:"" name:"mcp" help:"Let an assistant ask about customers and figures, over stdin and stdout."`
	User    userCmd    `cmd:"" help:"Add, list and mend the people who may sign in."`
	Export  exportCmd  `cmd:"" help:"Write the whole database as text that any program reads."`
	Backup  backupCmd  `cmd:"" help:"Copy the database into one file while it is used, or check such a file."`
	Restore restoreCmd `cmd:"" help:"Put a backup in the place of the database."`
	Check   checkCmd   `cmd:"" help:"Check the database, or rebuild what is derived from it."`
}

const description = `Regulars helps a business keep the customers it already has.

    regulars demo --serve                          start with a demo store
    regulars import orders.csv && regulars serve   start with your own orders
    regulars serve                                 start with nothing

Everything is kept in one file, regulars.db, unless --db says otherwise; the demo
store has a file of its own, demo.db, so that it never mixes with yours.
Every setting can also come from the environment (--db is REGULARS_DB) or from a
file of such lines, named by --config.

It ends with 0 when all is done, 1 after a fault of the program or the machine,
2 when what was given cannot be accepted, 3 when some rows were left out.`

// Exit codes, for scripts.
const (
	exitFault   = 1 // a fault of ours, or of the machine
	exitInvalid = 2 // what was given cannot be accepted
	exitPartly  = 3 // done, but some rows were left out
)

// errPartly ends the program with exitPartly, everything having been said.
var errPartly = errors.New("done in part")

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main without the process: what it returns is the exit code.
func run(args []string, out, errOut io.Writer) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c, kong.Name("regulars"), kong.Description(description),
		kong.Vars{"version": version, "layouts": layoutNames(), "fields": fieldNames()}, kong.Writers(out, errOut),
		kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 90}))
	if err != nil {
		fmt.Fprintln(errOut, err)
		return exitFault
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	if err := readConfig(args, settings(parser.Model)); err != nil {
		return exitCode(err, errOut)
	}
	command, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(errOut, "regulars: %v\nregulars --help lists the commands.\n", err)
		return exitInvalid
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command.BindTo(ctx, (*context.Context)(nil))
	command.BindTo(out, (*io.Writer)(nil))
	command.Bind(c.config(errOut, command.Command()))
	return exitCode(command.Run(), errOut)
}

func (c *cli) config(errOut io.Writer, command string) app.Config {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Log)) // kong has checked it
	db := c.DB
	if db == "" {
		db = "regulars.db"
		if command == "demo" {
			db = "demo.db"
		}
	}
	return app.Config{DB: db, Key: os.Getenv(secretKey), KeyFile: c.KeyFile, Internal: c.Internal, Version: version, Log: slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: level}))}
}

// exitCode says what went wrong and turns it into a code.
func exitCode(err error, errOut io.Writer) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errPartly):
		return exitPartly
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(errOut, "regulars: stopped")
		return exitFault
	}
	fmt.Fprintf(errOut, "regulars: %s\n", said(err))
	if errs.Is(err, errs.Internal) {
		return exitFault
	}
	return exitInvalid
}

// said is an error on the command line: the sentence of what errs made, what
// was attempted before it, and the cause behind it, which helps whoever keeps
// the server running.
func said(err error) string {
	var known *errs.Error
	if !errors.As(err, &known) {
		return err.Error()
	}
	texts, failed := app.Catalog(own)
	if failed != nil {
		return errors.Join(err, failed).Error()
	}
	sentence := texts.For("en").Sentence(known)
	if known.Err != nil {
		sentence += ": " + known.Err.Error()
	}
	return strings.Replace(err.Error(), known.Error(), sentence, 1)
}
