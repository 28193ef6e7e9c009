// Command oidc is a real OpenID provider for tests: that of zitadel/oidc's own
// example, whose keys change when POST /rotate asks for it. It prints its
// address and runs until its standard input ends.
package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// key is a signing key; its public half has the same id.
type key struct {
	id      string
	private *rsa.PrivateKey
}

func (k key) ID() string                                  { return k.id }
func (k key) Key() any                                    { return k.private }
func (k key) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }

type public struct{ key }

func (p public) Key() any                           { return &p.private.PublicKey }
func (p public) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (p public) Use() string                        { return "sig" }

// house is the example's storage with keys that change and a claim of groups.
type house struct {
	*storage.Storage
	users storage.UserStore
	mu    sync.Mutex
	now   key
}

func (h *house) rotate() {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = key{rand.Text(), private}
}

func (h *house) SigningKey(context.Context) (op.SigningKey, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now, nil
}

func (h *house) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

func (h *house) KeySet(context.Context) ([]op.Key, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return []op.Key{public{h.now}}, nil
}

func (h *house) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, token, subject, origin string) error {
	err := h.Storage.SetUserinfoFromToken(ctx, info, token, subject, origin)
	groups := []string{"everybody"}
	if u := h.users.GetUserByID(subject); u != nil && u.IsAdmin {
		groups = append(groups, "admins")
	}
	info.AppendClaims("groups", groups)
	return err
}

func main() {
	users := flag.String("users", "", "a file of users, as the example reads it")
	back := flag.String("back", "", "the address that people are sent back to")
	flag.Parse()
	store, err := storage.StoreFromFile(*users)
	if err != nil {
		log.Fatal(err)
	}
	storage.RegisterClients(storage.WebClient("regulars", "a secret of theirs", *back))
	h := &house{Storage: storage.NewStorage(store), users: store}
	h.rotate()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	issuer := "http://" + listener.Addr().String()
	router := exampleop.SetupServer(issuer, h, slog.New(slog.DiscardHandler), false)
	router.Post("/rotate", func(http.ResponseWriter, *http.Request) { h.rotate() })
	fmt.Println(issuer)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	log.Fatal(http.Serve(listener, router))
}
