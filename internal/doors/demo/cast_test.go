package demo

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"regulars/internal/know/customers"
	"regulars/internal/know/orders"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
	"regulars/internal/testkit"
)

// fiction are the numbers that regulators keep for films and books.
var fiction = regexp.MustCompile(`^\+(44 7700 900\d{3}|49 30 23125\d{3}|33 6 39 98 \d\d \d\d|353 20 91\d{5}|1 212 555 01\d\d)$`)

var exampleDomain = regexp.MustCompile(`@([a-z-]+\.)?example\.(com|org|net)$`)

func TestNobodyRealIsReached(t *testing.T) {
	p := documented(t)
	seen := map[string]bool{}
	phones := 0
	for _, who := range p.people {
		for _, i := range who.Identities {
			if seen[i.Value] {
				t.Errorf("%s is there twice", i.Value)
			}
			seen[i.Value] = true
			switch i.Kind {
			case customers.Email:
				if !exampleDomain.MatchString(i.Value) {
					t.Errorf("%s could be somebody's address", i.Value)
				}
			case customers.Phone:
				phones++
				if !fiction.MatchString(i.Value) {
					t.Errorf("%s could be somebody's number", i.Value)
				}
			}
		}
	}
	if phones < 100 {
		t.Errorf("only %d phones", phones)
	}
}

func TestEverythingLiesWithinTheTimeOfTheStore(t *testing.T) {
	p := documented(t)
	first, end := p.day(0), p.last.AddDate(0, 0, 1)
	for _, s := range p.sales {
		switch {
		case s.at.Before(first) || !s.at.Before(end):
			t.Errorf("%s at %s", s.number, s.at)
		case len(s.lines) == 0 && s.of == nil:
			t.Errorf("%s holds nothing", s.number)
		case s.delivered > p.date(Days-1):
			t.Errorf("%s arrives on %s, after the last day", s.number, s.delivered)
		case s.who >= 0 && s.at.Before(p.people[s.who].JoinedAt):
			t.Errorf("%s was placed before %s joined", s.number, p.people[s.who].Name)
		case s.of != nil && !s.at.After(s.of.at):
			t.Errorf("%s came back before it was sold", s.number)
		case s.channel == "store" && s.at.Weekday() == time.Sunday && s.of == nil:
			t.Errorf("%s was sold over a closed counter", s.number)
		}
	}
	if n := len(p.sales); n < 36_000 || n > 44_000 {
		t.Errorf("%d sales, not about 40,000", n)
	}
}

func TestTheCastIsOnTheStage(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.DB) {
		makeSmall(t, db)
		parts, err := readCast()
		if err != nil {
			t.Fatal(err)
		}
		if len(parts) < 25 {
			t.Errorf("only %d people have a story", len(parts))
		}
		find := func(name string) customers.Customer {
			t.Helper()
			all, err := customers.Search(t.Context(), db, name, 5)
			if err != nil || len(all) == 0 {
				t.Fatalf("%s is not there: %v", name, err)
			}
			return all[0]
		}
		for _, c := range parts {
			if !slices.ContainsFunc(c.Deeds, func(d partDeed) bool { return d.What == "erase" }) {
				find(c.Name)
			}
		}
		if n := count(t, db, `select count(*) from customers where name = 'Sandra Wilkins' or email like 'sandra%'`); n > 0 {
			t.Error("who was erased is still known")
		}
		if n := count(t, db, `select count(*) from customer_erasures`); n != 1 {
			t.Errorf("%d erasures", n)
		}
		theMoved(t, db, find("Yuki Tanabe"))
		theAngry(t, db, find("Markus Brandt"))
		theDoubled(t, db)
		theBirthday(t, db, find("김하은"))
	})
}

func theMoved(t *testing.T, db *store.DB, who customers.Customer) {
	t.Helper()
	addresses, err := customers.Addresses(t.Context(), db, who.ID)
	if err != nil || who.Country != "DE" || len(addresses) != 2 || addresses[0].City != "München" {
		t.Errorf("who moved lives in %s: %v %v", who.Country, addresses, err)
	}
}

func theAngry(t *testing.T, db *store.DB, who customers.Customer) {
	t.Helper()
	bought, err := orders.Of(t.Context(), db, who.ID, 50)
	if err != nil {
		t.Fatal(err)
	}
	late, back := 0, 0
	for _, o := range bought {
		if o.Late("2100-01-01") {
			late++
		}
		if o.Return {
			back++
		}
	}
	if late < 2 || back != 1 {
		t.Errorf("the angry customer has %d late orders and %d returns", late, back)
	}
}

func theDoubled(t *testing.T, db *store.DB) {
	t.Helper()
	var both []id.Customer
	for _, email := range []string{"katarina.hudakova@example.com", "k.hudakova@example.org"} {
		c, ok, err := customers.Find(t.Context(), db, customers.Identity{Kind: customers.Email, Value: email})
		if err != nil || !ok {
			t.Fatal(email, ok, err)
		}
		both = append(both, c)
	}
	pairs, err := customers.Duplicates(t.Context(), db, 5)
	if err != nil || len(pairs) == 0 || !slices.Contains(both, pairs[0].A) || !slices.Contains(both, pairs[0].B) {
		t.Errorf("who is there twice is not suggested first: %v %v", pairs, err)
	}
	testkit.Do(t, db, func(tx *store.Tx) error {
		_, err := customers.MergeInto(t.Context(), tx, tables(), both[0], both[1], customers.By{Source: "staff"})
		return err
	})
}

func theBirthday(t *testing.T, db *store.DB, who customers.Customer) {
	t.Helper()
	dates, err := customers.Dates(t.Context(), db, who.ID)
	week := map[string]bool{}
	for i := range 8 {
		week[testkit.Start.AddDate(0, 0, i).Format("01-02")] = true
	}
	if err != nil || len(dates) != 1 || !week[dates[0].MonthDay] {
		t.Errorf("the birthday is not within a week of %s: %v %v", testkit.Start.Format(time.DateOnly), dates, err)
	}
}

func TestNotesAndCallsAreWrittenOnTheDayTheyHappened(t *testing.T) {
	db := testkit.DB(t)
	makeSmall(t, db)
	if n := count(t, db, `select count(*) from customer_notes`); n < 25 {
		t.Errorf("only %d notes", n)
	}
	first := testkit.Start.AddDate(0, 0, -Days-2).UnixMicro()
	var early, days int
	if err := db.QueryRow(t.Context(), `
		select count(*) filter (where created_at < $1 or created_at > $2), count(distinct created_at / 86400000000) from customer_notes`,
		first, testkit.Start.UnixMicro()).Scan(&early, &days); err != nil {
		t.Fatal(err)
	}
	if early > 0 || days < 20 {
		t.Errorf("%d notes lie outside of the store's time, on %d days", early, days)
	}
}
