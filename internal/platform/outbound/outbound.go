// Package outbound makes the HTTP client with which the program calls
// addresses that people typed in: webhooks, sign-in providers.
//
// Its one rule: it connects to public addresses only, whatever a name
// resolves to, so that nobody reaches the inside of our network through us.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// ErrInternal says that an address lies inside of a network, not on the
// public internet.
var ErrInternal = errors.New("this address is inside of a network and is not called")

// Options say how a client behaves. The zero value is for webhooks.
type Options struct {
	// Allow are networks that may be called although they are internal, by the
	// wish of whoever keeps the server running: a test's own 127.0.0.1/32, a
	// sign-in provider in the office.
	Allow   []netip.Prefix
	Timeout time.Duration // for a whole call, body included; zero: 15 s
	// Redirects is how many are followed; zero: none, a redirect is the answer.
	Redirects int
}

// Client returns a client that refuses internal addresses when it connects,
// after a name was resolved: a name that resolves otherwise the second time
// gains nothing. Proxies of the environment are not used, as one would connect
// in our place. It is safe for many goroutines; keep one and share it.
func Client(o Options) *http.Client {
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	dialer := &net.Dialer{Timeout: min(o.Timeout, 10*time.Second), ControlContext: o.control}
	return &http.Client{
		Timeout: o.Timeout,
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			MaxIdleConns:           100,
			MaxIdleConnsPerHost:    4,
			IdleConnTimeout:        60 * time.Second,
			TLSHandshakeTimeout:    10 * time.Second,
			ResponseHeaderTimeout:  o.Timeout,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > o.Redirects {
				return http.ErrUseLastResponse
			}
			return Check(r.URL)
		},
	}
}

// control looks at the very address that is about to be connected to.
func (o Options) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%s: %w", address, ErrInternal)
	}
	ip := at.Addr().Unmap().WithZone("")
	for _, p := range o.Allow {
		if p.Contains(ip) {
			return nil
		}
	}
	if !Public(ip) {
		return fmt.Errorf("%s: %w", ip, ErrInternal)
	}
	return nil
}

// Check says what is wrong with an address before anything is called: it is
// http or https, names a host, and carries no user or password. It does not
// look the name up; Client refuses what it leads to.
func Check(u *url.URL) error {
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("an address begins with https:// or http://")
	case u.Hostname() == "":
		return errors.New("the address names no host")
	case u.User != nil:
		return errors.New("an address with a user or password in it is not called")
	}
	if ip, err := netip.ParseAddr(strings.Trim(u.Hostname(), "[]")); err == nil && ip.Zone() != "" {
		return ErrInternal
	}
	return nil
}

// reserved are networks that the methods of netip.Addr do not know and that no
// public host has, by the registries of special addresses (RFC 6890 and those
// that follow it).
var reserved = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10",
)

// carriers hold an IPv4 address within: NAT64 at the end, 6to4 behind the
// first two bytes.
var nat64, sixToFour = netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("2002::/16")

// Public reports whether an address can be that of a public host.
func Public(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsValid() || !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, p := range reserved {
		if p.Contains(ip) {
			return false
		}
	}
	b := ip.As16()
	switch {
	case nat64.Contains(ip):
		return Public(netip.AddrFrom4([4]byte(b[12:])))
	case sixToFour.Contains(ip):
		return Public(netip.AddrFrom4([4]byte(b[2:6])))
	}
	return true
}

func prefixes(all ...string) (parsed []netip.Prefix) {
	for _, p := range all {
		parsed = append(parsed, netip.MustParsePrefix(p))
	}
	return parsed
}
