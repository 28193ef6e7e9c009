package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

const forwarded = "X-Forwarded-For"

// Address is the network address a request came from, without the port; of
// IPv6 the network of 64 bits that one subscriber has. Where it came from one
// of Config.Proxies, it is the address nearest to us in X-Forwarded-For that is
// none of them; whatever stands further off, a visitor could have written.
func (r *Request) Address() string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	ip, ok := parseAddress(host)
	if !ok {
		return host
	}
	// Some proxies add to the line that came, others add a line below it.
	chain := strings.Split(strings.Join(r.Header.Values(forwarded), ","), ",")
	for i := len(chain) - 1; i >= 0 && r.server.trusts(ip); i-- {
		told, ok := parseAddress(strings.TrimSpace(chain[i]))
		if !ok {
			break
		}
		ip = told
	}
	if ip.Is6() {
		prefix, _ := ip.Prefix(64)
		return prefix.String()
	}
	return ip.String()
}

// parseAddress reads an address, with or without a port.
func parseAddress(s string) (netip.Addr, bool) {
	ip, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		var with netip.AddrPort
		if with, err = netip.ParseAddrPort(s); err == nil {
			ip = with.Addr()
		}
	}
	return ip.Unmap().WithZone(""), err == nil
}

func (s *Server) trusts(ip netip.Addr) bool {
	return slices.ContainsFunc(s.Proxies, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// warnOfProxy says once that a proxy was not named: all visitors behind it
// count as one, and one who tries passwords holds up everybody.
func (s *Server) warnOfProxy(hr *http.Request) {
	if len(s.Proxies) > 0 || hr.Header.Get(forwarded) == "" {
		return
	}
	host, _, _ := net.SplitHostPort(hr.RemoteAddr)
	if ip, ok := parseAddress(host); ok && (ip.IsLoopback() || ip.IsPrivate()) {
		s.proxyWarned.Do(func() {
			s.Log.Warn("visitors come through a proxy and count as one address: name the proxy with --trusted-proxies")
		})
	}
}
