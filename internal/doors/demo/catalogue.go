package demo

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed catalogue.txt
var catalogueFile string

// product is a thing of the catalogue.
type product struct {
	sku, name, shelf string
	euro, koruna     int64 // minor units
	weight           float64
	use              string // bean, tea, with, sweet, gift, ware or office
	grams            float64
	goes             string // what it goes with: espresso, filter, moka, matcha, tea; christmas
}

// catalogue is what the shop sells.
type catalogue struct {
	all   []product
	bySKU map[string]int
	byUse map[string][]int
}

func readCatalogue() (catalogue, error) {
	c := catalogue{bySKU: map[string]int{}, byUse: map[string][]int{}}
	for line := range strings.Lines(catalogueFile) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, " | ")
		if len(f) != 7 {
			return c, fmt.Errorf("catalogue: %q has %d parts", line, len(f))
		}
		p := product{sku: f[0], name: f[1], shelf: f[2]}
		euro, err1 := strconv.ParseFloat(f[3], 64)
		koruna, err2 := strconv.ParseInt(f[4], 10, 64)
		weight, err3 := strconv.ParseFloat(f[5], 64)
		if err1 != nil || err2 != nil || err3 != nil {
			return c, fmt.Errorf("catalogue: %q has a number that is none", line)
		}
		p.euro, p.koruna, p.weight = int64(euro*100+0.5), koruna*100, weight
		uses := strings.Fields(f[6])
		use, with, _ := strings.Cut(uses[0], "=")
		p.use, p.goes = use, with
		for _, word := range uses[1:] {
			if g, err := strconv.ParseFloat(word, 64); err == nil {
				p.grams = g
			} else {
				p.goes = word
			}
		}
		c.bySKU[p.sku] = len(c.all)
		c.byUse[use] = append(c.byUse[use], len(c.all))
		c.all = append(c.all, p)
	}
	return c, nil
}

// any draws one of the products that fit, by how often they are taken; -1:
// none fits.
func (c *catalogue) any(d dice, use string, fits func(p *product) float64) int {
	list := c.byUse[use]
	sum := 0.0
	for _, i := range list {
		sum += c.all[i].weight * fits(&c.all[i])
	}
	x := d.Float64() * sum
	for _, i := range list {
		if x -= c.all[i].weight * fits(&c.all[i]); x < 0 {
			return i
		}
	}
	return -1
}

func like(*product) float64 { return 1 }

// goesWith fits what goes with something.
func goesWith(what string) func(*product) float64 {
	return func(p *product) float64 {
		if p.goes == what {
			return 1
		}
		return 0
	}
}
