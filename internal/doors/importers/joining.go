package importers

import "regulars/internal/measure/retention"

// joining is the making of orders from runs.
type joining struct {
	books    []*book
	customer [][][]int32
	upTo     int32
	split    *splitting // nil: customers are not

	out         retention.Orders
	openings    openings          // nil: nobody asks
	opening     retention.Opening // of the order at hand
	counts      LedgerCounts
	any         bool // there was a sale or return
	first, last int32
}

// joined is an order whose runs are being put together.
type joined struct {
	hash          uint64
	customer      int32
	day           int32
	amount, goods int64
	extra         int64 // of amount: not of its lines; of isWhole: all
	back          int64 // given back of it
	flags         uint8
	opening       *retention.Opening // nil: nobody asks
}

// runs makes orders of runs that stand together.
func (j *joining) runs(all []stretch) {
	var open joined
	for _, st := range all {
		p := j.books[st.book].pages[st.page]
		number := j.customer[st.book][st.page]
		for i := st.from; i < st.to; i++ {
			if h := p.hash[i]; h == open.hash && h != alone {
				j.goOn(&open, p, i, number)
				continue
			}
			j.order(&open)
			if j.plain(p, i, st.to, number) {
				open = joined{}
				continue
			}
			open = j.begin(p, i, number)
		}
	}
	j.order(&open)
}

// plain puts down at once a run that is all of its order, and the order that of
// a known customer with nothing beside its lines; false: it did not. Most are
// so, and it comes to what begin and order make of them.
func (j *joining) plain(p *page, i, to int, number []int32) bool {
	if p.flags[i] != 0 || j.openings != nil || i+1 >= to || p.hash[i+1] == p.hash[i] || p.amount[i] <= 0 || p.person[i] < 0 ||
		i < len(p.extra) && p.extra[i] != 0 || i < len(p.back) && p.back[i] != 0 || i < len(p.goods) && p.goods[i] != 0 {
		return false
	}
	customer := number[p.person[i]]
	if customer < 0 {
		return false
	}
	j.know(p.day[i])
	j.out.Add(int64(customer)+1, p.day[i], p.amount[i])
	return true
}

// know notes the day of a sale or return, and reports whether it counts.
func (j *joining) know(day int32) bool {
	if day > j.upTo {
		return false
	}
	if !j.any {
		j.any, j.first, j.last = true, day, day
	}
	j.first, j.last = min(j.first, day), max(j.last, day)
	return true
}

// scattered makes orders of runs of which first says where each began. They come
// in the sequence in which they begin, as a file read row by row tells them.
func (j *joining) scattered(all []stretch, first []int32) {
	apart := map[int32]*joined{}
	for i, f := range first {
		if f >= 0 && f != int32(i) {
			apart[f] = nil
			first[f] = goesOn
		}
	}
	if len(apart) > 0 {
		j.eachRun(all, func(at int32, p *page, i int, number []int32) {
			switch f := first[at]; {
			case f == goesOn:
				s := j.begin(p, i, number)
				if own := j.opening; s.opening != nil {
					s.opening = &own
				}
				apart[at] = &s
			case f >= 0 && f != at:
				j.goOn(apart[f], p, i, number)
			}
		})
	}
	j.eachRun(all, func(at int32, p *page, i int, number []int32) {
		switch first[at] {
		case earlier:
			j.counts.Again++
		case goesOn:
			j.order(apart[at])
		case at:
			s := j.begin(p, i, number)
			j.order(&s)
		}
	})
}

// eachRun walks over the runs in the sequence of the files.
func (j *joining) eachRun(all []stretch, do func(at int32, p *page, i int, number []int32)) {
	at := int32(0)
	for _, st := range all {
		p := j.books[st.book].pages[st.page]
		number := j.customer[st.book][st.page]
		for i := st.from; i < st.to; i++ {
			do(at, p, i, number)
			at++
		}
	}
}

// begin is the order that a run begins.
func (j *joining) begin(p *page, i int, number []int32) joined {
	s := p.run(i, number)
	if j.openings != nil {
		j.opening = j.split.opening(p, i)
		s.opening = &j.opening
	}
	return s
}

// goOn puts a further run to an order.
func (j *joining) goOn(s *joined, p *page, i int, number []int32) {
	s.add(p.run(i, number))
	if j.openings != nil {
		o := j.split.opening(p, i)
		s.opening.Hold(o.Label, o.Most, 0)
	}
}

const noCustomer = int32(-1)

// run is one run, with what belongs to its order as a whole.
func (p *page) run(i int, number []int32) joined {
	s := joined{hash: p.hash[i], customer: noCustomer, day: p.day[i], amount: p.amount[i], flags: p.flags[i] | isOrder}
	if who := p.person[i]; who >= 0 {
		s.customer = number[who]
	}
	s.goods = s.amount - at(p.goods, i)
	s.extra, s.back = at(p.extra, i), at(p.back, i)
	if s.flags&isWhole == 0 {
		s.amount += s.extra
	}
	return s
}

// add puts another run to the order: its lines, and who bought if that was not
// known.
func (s *joined) add(o joined) {
	s.amount += o.amount
	switch {
	case o.flags&isWhole == 0:
		s.amount -= o.extra
	case s.flags&isWhole != 0:
		s.extra += o.extra
	}
	s.goods += o.goods
	if s.customer < 0 {
		s.customer = o.customer
	}
}

// order counts an order that is whole.
func (j *joining) order(s *joined) {
	if s.flags&isOrder == 0 {
		return
	}
	if s.flags&isPart != 0 {
		j.counts.Bad++ // the row that begins it cannot be read
		return
	}
	if s.flags&isWhole != 0 {
		s.amount = s.extra
	}
	purchase := s.flags&(isReturn|isCancelled) == 0 && s.goods > 0
	known := j.know(s.day)
	amount := s.amount
	if s.back == allBack {
		s.back = amount
	}
	if s.flags&isForeign != 0 {
		amount, s.back = 0, 0
	}
	if s.back > 0 && known {
		j.counts.Returns++
		j.counts.ReturnSum += s.back
	}
	switch c := &j.counts; {
	case purchase && s.customer >= 0:
		j.out.Add(int64(s.customer)+1, s.day, amount)
		if j.openings != nil {
			j.openings.see(s.customer, *s.opening)
		}
		if s.flags&isForeign != 0 && known {
			c.Unvalued++
		}
	case !known:
	case purchase:
		c.Walkins++
		c.WalkinSum += amount
	case s.flags&isCancelled != 0:
		c.Cancelled++
	case s.flags&isReturn != 0:
		c.Returns++
		c.ReturnSum += amount
	case amount < 0:
		c.Returns++
		c.ReturnSum -= amount
	default:
		c.Nothing++
	}
}
