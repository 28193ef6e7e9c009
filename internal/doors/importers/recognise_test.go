package importers

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"regulars/internal/platform/workspace"
)

// crowd is a roster of people known by an email and a phone each; every tenth
// is one met before, by the phone alone.
func crowd(n int, phone func(i int) string) (*Ledger, [][][]int32) {
	l := &Ledger{roster: newRoster()}
	numbers := make([]int32, 0, n)
	var key []byte
	for i := range n {
		p := Person{Email: fmt.Sprintf("person%d@example.com", i), Phone: phone(i)}
		if i%10 == 9 {
			p = Person{Phone: phone(i - 5)}
		}
		key = personKey(key, "import", &p)
		numbers = append(numbers, l.roster.number(key, int64(i)))
	}
	return l, [][][]int32{{numbers}}
}

func inE164(i int) string { return fmt.Sprintf("+4206%08d", i) }
func atHome(i int) string { return fmt.Sprintf("07%02d %06d", i/1000000, i%1000000) }

func TestPeopleAreTheSameByAnyOfTheirKeysOnAllCores(t *testing.T) {
	const n = 50_000
	for name, phone := range map[string]func(int) string{"E.164": inE164, "as at home": atHome} {
		l, number := crowd(n, phone)
		want := make([]int32, n)
		owner := map[string]int32{}
		people := int64(0)
		for i := range want { // one after the other
			keys := l.roster.identities(int32(i), workspace.Guess.Country)
			want[i] = int32(i)
			for _, k := range keys {
				if o, ok := owner[k]; ok {
					want[i] = o
					break
				}
			}
			if want[i] == int32(i) {
				people++
				for _, k := range keys {
					owner[k] = int32(i)
				}
			}
		}
		l.recognise(number)
		for i, who := range number[0][0] {
			if who != want[i] {
				t.Fatalf("%s: the person %d is %d, want %d", name, i, who, want[i])
			}
		}
		if l.Counts.Customers != people || people != n*9/10 {
			t.Errorf("%s: %d people, want %d", name, l.Counts.Customers, people)
		}
	}
}

// BenchmarkRecognise finds who is the same person among people known by email
// and phone. Beside the clock it prints the processor's time for each.
func BenchmarkRecognise(b *testing.B) {
	const n = 100_000
	for name, phone := range map[string]func(int) string{"E164": inE164, "home": atHome} {
		b.Run(name, func(b *testing.B) {
			var used time.Duration
			for b.Loop() {
				b.StopTimer()
				l, number := crowd(n, phone)
				before := processor(b)
				b.StartTimer()
				l.recognise(number)
				used += processor(b) - before
			}
			b.ReportMetric(float64(used.Nanoseconds())/float64(b.N)/n, "cpu-ns/person")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/person")
		})
	}
}

// processor is the time that the processor has given to this program.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestTheSameNumberInTwoSystemsIsTwoPeople(t *testing.T) {
	known := func(source string, externals ...string) *book {
		p := &page{roster: newRoster()}
		for i, e := range externals {
			p.roster.number(personKey(nil, source, &Person{External: e}), int64(i))
		}
		return &book{pages: []*page{p}}
	}
	l := &Ledger{roster: newRoster(), books: []*book{known("shop", "7", "A8", "9"), known("till", "7", "A8"), known("shop", "9", "A8", "7")}}
	number := l.people()
	want := [][]int32{{0, 1, 2}, {3, 4}, {2, 1, 0}}
	for n, pages := range number {
		if !slices.Equal(pages[0], want[n]) {
			t.Errorf("the people of file %d are %v, want %v", n, pages[0], want[n])
		}
	}
	for i, label := range []string{"7", "A8", "9", "7", "A8"} {
		if got := l.Label(int64(i) + 1); got != label {
			t.Errorf("customer %d is called %s, want %s", i+1, got, label)
		}
	}
}
