// Command pages asks a running server for the pages that people open all day,
// with several clients at once, and prints how long they waited. It signs in as
// bench@example.com; make bench-pages makes the database, the account and the
// server.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

func main() {
	base := flag.String("url", "http://localhost:8080", "where the server is")
	password := flag.String("password", "", "of bench@example.com")
	clients := flag.Int("clients", 8, "clients at once")
	each := flag.Duration("for", 10*time.Second, "how long each kind of page is asked for")
	customers := flag.Int("customers", 1_000_000, "customers there are")
	metrics := flag.String("metrics", "", "the word that opens /metrics: waits first until no background work is left to do")
	lightest := flag.Bool("lightest", false, "ask only for the lightest pages, which need no account and no customers")
	flag.Parse()
	if *lightest {
		heading()
		b := &browser{client(nil), *base}
		for _, path := range []string{"/healthz", "/sign-in"} {
			if err := b.load("requests of "+path, func() string { return path }, *clients, *each); err != nil {
				log.Fatal(err)
			}
		}
		return
	}
	b, err := signIn(*base, *password)
	if err != nil {
		log.Fatal(err)
	}
	if err := b.settle(*metrics); err != nil {
		log.Fatal(err)
	}
	heading()
	if err := b.measure(*clients, *each, *customers); err != nil {
		log.Fatal(err)
	}
}

// settle waits until nothing was under way or overdue for five seconds: what a
// new day brings (scores, figures, the backup) is not what is measured. The
// first page of a new day is asked for as it leaves work behind.
func (b *browser) settle(token string) error {
	if token == "" {
		return nil
	}
	for _, path := range []string{"/", "/insights"} {
		if _, err := b.get(path); err != nil {
			return err
		}
	}
	busy := regexp.MustCompile(`(?m)^regulars_jobs(\{state="running"\}|_late_seconds) [^0]`)
	for calm, left := 0, 30*time.Minute; calm < 5; left -= time.Second {
		req, err := http.NewRequest(http.MethodGet, b.base+"/metrics", nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		said, err := b.read(b.Do(req))
		switch {
		case err != nil:
			return err
		case left < 0:
			return errors.New("the background work does not end")
		case busy.MatchString(said):
			calm = 0
		default:
			calm++
		}
		time.Sleep(time.Second)
	}
	return nil
}

func heading() { fmt.Printf("%-36s %10s %10s %10s %10s\n", "", "p50", "p99", "worst", "a second") }

// browser asks for pages as who is signed in.
type browser struct {
	http.Client
	base string
}

func client(jar http.CookieJar) http.Client {
	return http.Client{Jar: jar, Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
}

func signIn(base, password string) (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	b := &browser{client(jar), base}
	res, err := b.PostForm(base+"/sign-in", url.Values{"email": {"bench@example.com"}, "password": {password}})
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.Request.URL.Path != "/" {
		return nil, errors.New("signing in failed")
	}
	return b, nil
}

func (b *browser) get(path string) (string, error) { return b.read(b.Get(b.base + path)) }

func (b *browser) read(res *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", res.Request.URL.Path, res.Status)
	}
	return string(body), err
}

var (
	next     = regexp.MustCompile(`href="(/customers\?[^"]*after=[^"]*)"`)
	customer = regexp.MustCompile(`href="(/customers/cus_\w+)"`)
)

func (b *browser) measure(clients int, each time.Duration, customers int) error {
	deep, people, err := b.explore()
	if err != nil {
		return err
	}
	phone := func() string { return fmt.Sprintf("%d", 601_000_000+rand.IntN(customers)) }
	kinds := []struct {
		name string
		path func() string
	}{
		{"lightest page (alive)", func() string { return "/healthz" }},
		{"customer list, first page", func() string { return "/customers" }},
		{"customer list, a page far in", func() string { return deep[rand.IntN(len(deep))] }},
		{"customer list, part of a name", func() string { return fmt.Sprintf("/customers?q=family%d", rand.IntN(5000)) }},
		{"customer list, filter by country", func() string { return "/customers?country=CZ" }},
		{"customer list, sorted by spend", func() string { return "/customers?sort=spend&desc=1" }},
		{"customer page", func() string { return people[rand.IntN(len(people))] }},
		{"at the till, by phone", func() string { return "/search?q=" + url.QueryEscape("+420 "+phone()) }},
		{"insights, overview", func() string { return "/insights" }},
		{"insights, cohorts", func() string { return "/insights/cohorts" }},
	}
	for _, k := range kinds {
		if err := b.load(k.name, k.path, clients, each); err != nil {
			return err
		}
	}
	return nil
}

// explore walks far into the list, and remembers people.
func (b *browser) explore() (deep, people []string, err error) {
	path := "/customers"
	for range 120 {
		page, err := b.get(path)
		if err != nil {
			return nil, nil, err
		}
		for _, m := range customer.FindAllStringSubmatch(page, -1) {
			people = append(people, m[1])
		}
		m := next.FindStringSubmatch(page)
		if m == nil {
			break
		}
		path = strings.ReplaceAll(m[1], "&amp;", "&")
		deep = append(deep, path)
	}
	if len(deep) < 20 || len(people) == 0 {
		return nil, nil, fmt.Errorf("the list of customers has %d pages with %d people", len(deep), len(people))
	}
	return deep[len(deep)/2:], people, nil
}

func (b *browser) load(name string, path func() string, clients int, each time.Duration) error {
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var wg sync.WaitGroup
	until := time.Now().Add(each)
	began := time.Now()
	for range clients {
		wg.Go(func() {
			for time.Now().Before(until) {
				asked := time.Now()
				_, err := b.get(path())
				took := time.Since(asked)
				mu.Lock()
				all, failed = append(all, took), errors.Join(failed, err)
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	if failed != nil {
		return failed
	}
	slices.Sort(all)
	at := func(p float64) time.Duration {
		return all[min(len(all)-1, int(p*float64(len(all))))].Round(100 * time.Microsecond)
	}
	fmt.Printf("%-36s %10s %10s %10s %10.0f\n", name, at(.5), at(.99), at(1), float64(len(all))/time.Since(began).Seconds())
	return nil
}
