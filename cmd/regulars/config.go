package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"regulars/internal/platform/errs"
)

// secretKey holds the key that seals secrets; there is no flag of it, as a
// list of processes shows flags to everybody on the machine.
const secretKey = "REGULARS_SECRET_KEY"

// readConfig sets the environment by a file of lines NAME=value, such as
// systemd and docker read too. What the environment says already stays: a
// flag beats the environment, the environment beats the file.
func readConfig(args []string, known []string) error {
	path := configPath(args)
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return errs.Of(errs.Invalid, err, "regulars.config")
	}
	defer f.Close()
	set, err := parseConfig(f, known)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, s := range set {
		if _, there := os.LookupEnv(s.name); !there {
			if err := os.Setenv(s.name, s.value); err != nil {
				return err
			}
		}
	}
	return nil
}

// configPath finds --config before the command line is read whole, as what
// stands in the file decides how the rest is read.
func configPath(args []string) string {
	for i, a := range args {
		if a == "--" {
			break
		}
		if path, ok := strings.CutPrefix(a, "--config="); ok {
			return path
		}
		if a == "--config" && i+1 < len(args) {
			return args[i+1]
		}
	}
	return os.Getenv("REGULARS_CONFIG")
}

type setting struct{ name, value string }

func parseConfig(f io.Reader, known []string) (all []setting, err error) {
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		switch {
		case !ok:
			return nil, errs.Wrong("config", "regulars.config-line", "Line", n)
		case !slices.Contains(known, name):
			return nil, errs.Wrong("config", "regulars.config-name", "Line", n, "Name", name)
		}
		value = strings.TrimSpace(value)
		if len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
			value = value[1 : len(value)-1]
		}
		all = append(all, setting{name, value})
	}
	return all, lines.Err()
}

// option is a flag as the documentation lists it.
type option struct{ env, flag, command, standard, help string }

// options are all flags that the environment can set, in the order of the
// commands that have them.
func options(model *kong.Application) (all []option) {
	add := func(command string, flags []*kong.Flag) {
		for _, f := range flags {
			for _, env := range f.Envs {
				o := option{env, "--" + f.Name, command, f.Default, f.Help}
				if i := slices.IndexFunc(all, func(a option) bool { return a.env == env }); i >= 0 {
					all[i].command += ", " + command
					continue
				}
				all = append(all, o)
			}
		}
	}
	add("all", model.Flags)
	for _, leaf := range model.Leaves(false) {
		add(leaf.FullPath()[len(model.Name)+1:], leaf.Flags)
	}
	return all
}

// settings are the names that a configuration file may set.
func settings(model *kong.Application) []string {
	names := []string{secretKey}
	for _, o := range options(model) {
		names = append(names, o.env)
	}
	return names
}
