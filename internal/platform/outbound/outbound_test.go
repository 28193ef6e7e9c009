package outbound

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func TestNothingInternalIsCalled(t *testing.T) {
	called := false
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer inside.Close()
	port := inside.URL[strings.LastIndex(inside.URL, ":"):]
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0"} {
		res, err := Client(Options{}).Get("http://" + host + port + "/")
		if err == nil {
			res.Body.Close()
			t.Errorf("%s was called", host)
		}
	}
	if _, err := Client(Options{}).Get(inside.URL); !errors.Is(err, ErrInternal) {
		t.Errorf("the reason is not said: %v", err)
	}
	if called {
		t.Error("a request came through")
	}
}

func TestARedirectLeadsNowhereInternal(t *testing.T) {
	called := false
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer inside.Close()
	port := inside.URL[strings.LastIndex(inside.URL, ":"):]
	outside := httptest.NewServer(http.RedirectHandler("http://[::ffff:127.0.0.2]"+port+"/", http.StatusFound))
	defer outside.Close()
	only := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}

	res, err := Client(Options{Allow: only}).Get(outside.URL)
	if err != nil || res.StatusCode != http.StatusFound {
		t.Fatalf("by default a redirect is the answer: %v, %v", res, err)
	}
	res.Body.Close()
	if _, err := Client(Options{Allow: only, Redirects: 3}).Get(outside.URL); !errors.Is(err, ErrInternal) {
		t.Errorf("followed: %v", err)
	}
	if called {
		t.Error("a request came through")
	}
}

func TestWhatIsAllowedIsCalled(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	defer inside.Close()
	res, err := Client(Options{Allow: loopback}).Get(inside.URL)
	if err != nil || res.StatusCode != 204 {
		t.Fatalf("%v, %v", res, err)
	}
	res.Body.Close()
}

func TestWhichAddressesArePublic(t *testing.T) {
	for _, a := range []string{"8.8.8.8", "1.1.1.1", "193.0.6.139", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1"} {
		if !Public(netip.MustParseAddr(a)) {
			t.Errorf("%s is public", a)
		}
	}
	for _, a := range []string{
		"0.0.0.0", "127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1",
		"192.0.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254",
		"ff02::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "2002:a00:1::1", "2001:db8::1", "fec0::1",
	} {
		if Public(netip.MustParseAddr(a)) {
			t.Errorf("%s is not public", a)
		}
	}
}

func TestAnAddressIsCheckedBeforeItIsCalled(t *testing.T) {
	for address, good := range map[string]bool{
		"https://example.com/hooks": true, "http://example.com:8080/": true, "ftp://example.com/": false, "file:///etc/passwd": false,
		"https://user:secret@example.com/": false, "https:///x": false, "gopher://x": false, "//example.com": false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if err := Check(u); (err == nil) != good {
			t.Errorf("%s: %v", address, err)
		}
	}
}
