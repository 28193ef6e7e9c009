package retention

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"
)

// TestTheModelsAreExactAtRandom tries the models at sixty random places each,
// most of them far from any real shop; testdata/vectors.py made the answers.
func TestTheModelsAreExactAtRandom(t *testing.T) {
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string][][]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for model, rows := range all {
		for _, row := range rows {
			v := make([]float64, len(row))
			for i, x := range row {
				if digits, isText := x.(string); isText {
					v[i], err = strconv.ParseFloat(digits, 64)
				} else {
					v[i], _ = x.(float64)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			tryVector(t, model, v)
			tried++
		}
	}
	if tried < 6*60 {
		t.Errorf("only %d vectors", tried)
	}
}

func tryVector(t *testing.T, model string, v []float64) {
	t.Helper()
	is := func(what string, got, want float64) { t.Helper(); exact(t, model+" "+what, v, got, want) }
	switch model {
	case "bg":
		m := BGNBD{v[0], v[1], v[2], v[3]}
		is("alive", m.Alive(v[4], v[5], v[6]), v[8])
		is("expected", m.Expected(v[4], v[5], v[6], v[7]), v[9])
	case "mbg":
		m := MBGNBD{v[0], v[1], v[2], v[3]}
		is("alive", m.Alive(v[4], v[5], v[6]), v[8])
		is("expected", m.Expected(v[4], v[5], v[6], v[7]), v[9])
	case "pareto":
		m := ParetoNBD{v[0], v[1], v[2], v[3]}
		is("alive", m.Alive(v[4], v[5], v[6]), v[8])
		is("expected", m.Expected(v[4], v[5], v[6], v[7]), v[9])
		is("log-likelihood", m.LogLikelihood(one(v[4], v[5], v[6])), v[10])
	case "gg":
		m := GammaGamma{v[0], v[1], v[2]}
		var s Spenders
		s.Add(v[3], v[4], 1)
		is("log-likelihood", m.LogLikelihood(s), v[5])
		is("spend", m.Spend(v[3], v[4]), v[6])
	case "bgbb":
		m := BGBB{v[0], v[1], v[2], v[3]}
		x, last, n := int64(v[4]), int64(v[5]), int64(v[6])
		var c Chances
		c.Add(x, last, n, 1)
		is("log-likelihood", m.LogLikelihood(c), v[8])
		is("alive", m.Alive(x, last, n), v[9])
		is("expected", m.Expected(x, last, n, int64(v[7])), v[10])
	case "sbg":
		m := ShiftedBetaGeometric{v[0], v[1]}
		is("survival", m.Survival(int(v[2])), v[3])
		is("retention", m.Retention(int(v[2])), v[4])
	default:
		t.Fatalf("no model is called %s", model)
	}
}
