package insights_test

import (
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
	})
}
