package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"regulars/internal/testkit"
)

const assistantEnv = "REGULARS_TEST_COMMAND"

// TestMain lets the test's program be the command itself, as an assistant
// starts it.
func TestMain(m *testing.M) {
	if line := os.Getenv(assistantEnv); line != "" {
		os.Exit(run(strings.Fields(line), os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// assistant starts the command as a process and talks with it by the SDK's own
// client.
func assistant(t *testing.T, line string) *sdk.ClientSession {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), assistantEnv+"="+line)
	cmd.Stderr = t.Output()
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), &sdk.CommandTransport{Command: cmd}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Errorf("the program did not end well: %v", err)
		}
	})
	return session
}

func TestAnAssistantStartsTheProgramAndAsksIt(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			dsn := testkit.DSN(t, engine)
			key := filepath.Join(t.TempDir(), "key")
			file := filepath.Join(t.TempDir(), "orders.csv")
			if err := os.WriteFile(file, []byte("order,date,name,email,product,quantity,price\n1,2026-01-05,Anna Zanzibar,anna@zanzibar.example,Tea,1,9.50\n2,2026-02-06,Anna Zanzibar,anna@zanzibar.example,Tea,2,9.50\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if code := run([]string{"--db", dsn, "--key-file", key, "import", file, "--currency", "GBP"}, t.Output(), t.Output()); code != 0 {
				t.Fatalf("import ends with %d", code)
			}
			for _, writes := range []bool{false, true} {
				line := "--db " + dsn + " --key-file " + key + " mcp"
				if writes {
					line += " --allow-writes"
				}
				session := assistant(t, line)
				list, err := session.ListTools(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if has := slices.ContainsFunc(list.Tools, func(tool *sdk.Tool) bool { return tool.Name == "add_note" }); has != writes {
					t.Errorf("with --allow-writes %v there is add_note: %v", writes, has)
				}
				for tool, want := range map[string]string{"find_customer": "Anna Zanzibar", "retention_figures": `"orders":2`} {
					result, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: map[string]any{"query": "zanz"}})
					if tool == "retention_figures" {
						result, err = session.CallTool(t.Context(), &sdk.CallToolParams{Name: tool})
					}
					if err != nil {
						t.Fatal(err)
					}
					if b, _ := json.Marshal(result); !strings.Contains(strings.ReplaceAll(string(b), `\`, ""), want) {
						t.Errorf("%s says %s, want %s", tool, b, want)
					}
				}
			}
		})
	}
}

func TestWhatAnAssistantReadsIsMessagesFromTheFirstLineToTheLast(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), assistantEnv+"=--log debug --db "+filepath.Join(t.TempDir(), "new.db")+" mcp")
	cmd.Stderr = t.Output()
	cmd.Stdin = strings.NewReader("hello\n" + `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}` + "\n" +
		`{"jsonrpc":"2.0","method":"notifications/initialized"}` + "\n" + `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"who_is_slipping_away"}}` + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	for _, line := range lines {
		var m struct {
			JSONRPC string `json:"jsonrpc"`
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil || m.JSONRPC != "2.0" {
			t.Errorf("%v in %q", err, line)
		}
	}
	if len(lines) != 3 {
		t.Errorf("%d lines: %s", len(lines), out)
	}
}
