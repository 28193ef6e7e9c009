// Command generate writes the file that make bench-report measures with: the
// orders of a made-up shop over three years, by customers who come, return at
// their own rate, and one day stop (the process behind BG/NBD), spending around
// a mean of their own. The same seed gives the same file.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"time"
)

const days = 1095

var start = time.Date(2022, 7, 1, 0, 0, 0, 0, time.UTC)

func main() {
	orders := flag.Int("orders", 10_000_000, "orders to write")
	customers := flag.Int("customers", 1_000_000, "customers they are of")
	seed := flag.Uint64("seed", 20260301, "seed of the file")
	out := flag.String("out", "orders.csv", "file to write")
	phones := flag.Bool("phones", false, "say each customer's phone number with their first order")
	flag.Parse()
	if *orders < *customers || *customers < 1 {
		log.Fatal("there must be customers, and no fewer orders than customers")
	}
	g := &shop{rng: rand.New(rand.NewPCG(*seed, 1))}
	g.visits(*orders, *customers)
	if *phones {
		g.told = make([]bool, *customers)
	}
	if err := g.write(*out); err != nil {
		log.Fatal(err)
	}
}

// shop is what has been made up: each order as second << 32 | customer.
type shop struct {
	rng   *rand.Rand
	made  []uint64
	means []float32
	told  []bool // whose phone number was said; nil: nobody's is
}

// visits makes exactly so many orders of exactly so many customers.
func (g *shop) visits(orders, customers int) {
	perCustomer := float64(orders) / float64(customers)
	later := make([]uint64, 0, orders*2)
	for c := range customers {
		g.means = append(g.means, float32(18*math.Exp(0.6*g.rng.NormFloat64())))
		at := days * math.Sqrt(g.rng.Float64()) // more and more join
		g.made = append(g.made, moment(at, c))
		rate := g.gamma(0.9) * perCustomer / 150
		stops := g.beta(0.35, 3.2)
		for n := 0; n < 2000; n++ {
			if g.rng.Float64() < stops && n > 0 {
				break
			}
			if at += g.rng.ExpFloat64() / rate; at >= days {
				break
			}
			later = append(later, moment(at, c))
		}
	}
	g.rng.Shuffle(len(later), func(i, j int) { later[i], later[j] = later[j], later[i] })
	for len(g.made) < orders {
		if len(later) == 0 {
			log.Fatalf("the shop made only %d orders", len(g.made))
		}
		g.made = append(g.made, later[len(later)-1])
		later = later[:len(later)-1]
	}
	slices.Sort(g.made)
}

func moment(day float64, customer int) uint64 {
	return uint64(day*86400)<<32 | uint64(customer)
}

// gamma draws from a gamma distribution of a shape below 1 (Ahrens and Dieter).
func (g *shop) gamma(shape float64) float64 {
	b := 1 + shape/math.E
	for {
		p := b * g.rng.Float64()
		if p <= 1 {
			if x := math.Pow(p, 1/shape); g.rng.Float64() <= math.Exp(-x) {
				return x
			}
			continue
		}
		if x := -math.Log((b - p) / shape); g.rng.Float64() <= math.Pow(x, shape-1) {
			return x
		}
	}
}

// beta draws from a beta distribution (Jöhnk), small shapes only.
func (g *shop) beta(a, b float64) float64 {
	for {
		x, y := math.Pow(g.rng.Float64(), 1/a), math.Pow(g.rng.Float64(), 1/b)
		if x+y <= 1 && x+y > 0 {
			return x / (x + y)
		}
	}
}

var (
	cities   = []string{"Brno", "Plovdiv", "Torino", "Busan", "Leeds", "Kazan", "Ostrava", "Varna"}
	products = []string{"Coffee beans, dark", "Tea", "Cup ”blue”", "Filter papers", "Jam, 220 g", "Honey", "Grinder", "Gift box"}
	notes    = []string{"", "", "", "ring twice, please", "\"fragile\" as always", "leave at the\nback door", "thank you for the quick delivery of the last one"}
	channels = []string{"online", "store", "phone"}
)

func (g *shop) write(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	head := "order_id,created_at,customer_id,customer_name,city,country,sku,product,quantity,total,channel,note"
	if g.told != nil {
		head += ",phone"
	}
	fmt.Fprintln(w, head)
	row := make([]byte, 0, 300)
	for i, m := range g.made {
		customer := int(m & math.MaxUint32)
		at := start.Add(time.Duration(m>>32) * time.Second)
		k := g.rng.IntN(len(products))
		quantity := 1 + g.rng.IntN(4)
		cents := int64(float64(g.means[customer]) * 100 * (0.25 + 1.5*g.rng.Float64()))
		row = strconv.AppendInt(row[:0], int64(100_000_000+i), 10)
		row = at.AppendFormat(append(row, ','), "2006-01-02 15:04:05")
		row = strconv.AppendInt(append(row, ','), int64(1_000_000+customer), 10)
		row = append(row, `,"Family`...)
		row = strconv.AppendInt(row, int64(customer%50_000), 10)
		row = append(row, `, Name",`...)
		row = append(append(row, cities[customer%len(cities)]...), ",CZ,SKU-"...)
		row = strconv.AppendInt(row, int64(k), 10)
		row = append(quoted(append(row, ','), products[k]), ',')
		row = strconv.AppendInt(row, int64(quantity), 10)
		row = fmt.Appendf(append(row, ','), "%d.%02d,", cents/100, cents%100)
		row = append(append(row, channels[k%len(channels)]...), ',')
		row = quoted(row, notes[g.rng.IntN(len(notes))])
		if g.told != nil {
			row = append(row, ',')
			if !g.told[customer] {
				row = strconv.AppendInt(append(row, "+420 "...), int64(601_000_000+customer), 10)
				g.told[customer] = true
			}
		}
		row = append(row, '\n')
		if _, err := w.Write(row); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// quoted writes a cell, in quotes with its own doubled where it needs them.
func quoted(row []byte, s string) []byte {
	if !slices.ContainsFunc([]byte(s), func(c byte) bool { return c == ',' || c == '"' || c == '\n' }) {
		return append(row, s...)
	}
	row = append(row, '"')
	for i := range len(s) {
		if s[i] == '"' {
			row = append(row, '"')
		}
		row = append(row, s[i])
	}
	return append(row, '"')
}
