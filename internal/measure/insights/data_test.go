package insights_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"regulars/internal/testkit/page"
)

func TestThePagesShowTheKnownFiguresOfARealStore(t *testing.T) {
	each(t, "2026-03-02", func(t *testing.T, s *shop) {
		s.retail()
		s.work()
		s.look("/insights").
			In(".stat", page.HasText("Customers"), page.HasText("4,338")).
			In(".stat", page.HasText("Bought again"), page.HasText("65.6"), page.HasText("2,845 of 4,338 customers")).
			In(".stat", page.HasText("2,845 ÷ 4,338 × 100"))
		s.look("/insights/cohorts").
			In(".heat tbody tr:first-child th", page.HasText("Dec 2010"), page.HasText("885")).
			In(".heat tbody tr:first-child td:nth-of-type(1)", page.HasText("36.6")).
			In(".heat tbody tr:first-child td:nth-of-type(2)", page.HasText("32.3")).
			In(".heat tbody tr:first-child td:nth-of-type(12).open").
			In(".heat tbody tr:last-child th", page.HasText("Average"))
		s.look("/insights/cohorts?as=number").
			In(".heat tbody tr:first-child td:nth-of-type(1)", page.HasText("885")).
			In(".heat tbody tr:first-child td:nth-of-type(2)", page.HasText("324")).
			In(".heat tbody tr:first-child td:nth-of-type(3)", page.HasText("286"))
		// All lines of the file add up to 9,747,747.93.
		s.look("/insights/revenue").In(".stat", page.HasText("What is left"), page.HasText("£9,747,748"))
		s.averages()
		s.unspoilt()
	})
}

// unspoilt looks at every page twice: figures are remembered from page to page,
// so none may change them for the next.
func (s *shop) unspoilt() {
	s.t.Helper()
	once := map[string]string{}
	for _, path := range append(paths, paths...) {
		p := s.look(path)
		if p.Body != once[path] && once[path] != "" {
			s.t.Errorf("%s shows something else at the second look", path)
		}
		once[path] = p.Body
	}
}

// averages works the row of averages out from the table of numbers: customers
// of all cohorts whose first month after is over, by the size of these.
func (s *shop) averages() {
	s.t.Helper()
	numbers := s.look("/insights/cohorts?as=number")
	var back, size float64
	for row := 1; row <= 12; row++ {
		at := fmt.Sprintf(".heat tbody tr:nth-of-type(%d) ", row)
		if len(numbers.Texts(at+"td:nth-of-type(2).open")) > 0 {
			continue
		}
		back += amountOf(s.t, numbers.Texts(at+"td:nth-of-type(2)"))
		size += amountOf(s.t, numbers.Texts(at+"th small"))
	}
	want := fmt.Sprintf("%.1f%%", back/size*100)
	s.look("/insights/cohorts").In(".heat tr.sum td:nth-of-type(1)", page.HasText(want))
	if size < 3000 || size > 4300 {
		s.t.Errorf("%v customers in cohorts whose first month after is over", size)
	}
}

func amountOf(t testing.TB, texts []string) float64 {
	t.Helper()
	if len(texts) != 1 {
		t.Fatalf("%d cells instead of one", len(texts))
	}
	x, err := strconv.ParseFloat(strings.ReplaceAll(texts[0], ",", ""), 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}
