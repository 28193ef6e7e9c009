package retention

import (
	"math"
	"testing"
)

func TestWhoIsThereStillIsAskedOfTheRhythmWhereThereIsOne(t *testing.T) {
	rhythm := Rhythm{K: 2, R: 0.8, Alpha: 20, A: 0.5, B: 2}
	buying := BGNBD{R: 0.243, Alpha: 4.414, A: 0.793, B: 2.426}
	near := func(what string, got, want float64) {
		if math.Abs(got-want) > 1e-12*want {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	both, without := Presence{Rhythm: &rhythm, Buying: &buying}, Presence{Buying: &buying}
	alive, _ := both.Alive(3, 100, 250)
	near("alive", alive, rhythm.Alive(3, 100, 250))
	back, _ := both.Return(3, 100, 250, 365)
	near("return", back, rhythm.Return(3, 100, 250, 365))
	alive, _ = without.Alive(3, 100, 250)
	near("alive without a rhythm", alive, buying.Alive(3, 100, 250))
	// Without a rhythm, what is expected is BG/NBD's own.
	back, _ = without.Return(3, 100, 250, 365)
	often, _ := without.Often(3, 250, 365)
	near("expected", back*often, buying.Expected(3, 100, 250, 365))
	if _, ok := (Presence{}).Alive(3, 100, 250); ok {
		t.Error("something is said without any model")
	}
}

func TestTheRateToTheLetterHasThoseWonBackAmongTheKept(t *testing.T) {
	b := Base{Start: 1000, End: 1100, New: 200, WonBack: 50}
	rate, _ := b.Retention()
	plain, ok := b.Plain()
	if rate != 0.85 || plain != 0.9 || !ok {
		t.Errorf("%v and to the letter %v %v, want 0.85 and 0.9", rate, plain, ok)
	}
	if _, ok := (Base{Start: 10, End: 30, WonBack: 25}).Plain(); ok {
		t.Error("more than all were kept")
	}
}

func TestTheWindowHoldsFourInFiveGaps(t *testing.T) {
	for want, gaps := range map[int32]Tally{
		365: {}, 30: {Value: []int64{30, 700}, Count: []int64{8, 2}}, 60: {Value: []int64{30, 31, 700}, Count: []int64{7, 1, 2}},
		730: {Value: []int64{9000}, Count: []int64{1}},
	} {
		if got := WindowFor(gaps); got != want {
			t.Errorf("%v: %d days, want %d", gaps, got, want)
		}
	}
}
