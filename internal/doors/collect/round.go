package collect

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
	"regulars/internal/platform/store"
)

// readParcels and readBytes are how much of the inbox is read at once. Two
// rounds are in memory: the one that is written and the next.
const (
	readParcels = 2000
	readBytes   = 2 << 20
)

// round is what was read of the inbox.
type round struct {
	n     int   // parcels
	last  int64 // the id of the last one
	parts map[string][]Part
	order []string // the kinds in parts
	bad   []Part   // parcels that cannot be taken apart
	err   error
}

// read reads the oldest parcels behind one and takes them apart; it writes
// nothing.
func (d drain) read(ctx context.Context, after int64) round {
	r := round{parts: map[string][]Part{}}
	parcels, err := oldest(ctx, d.db, after)
	if err != nil || len(parcels) == 0 {
		r.err = err
		return r
	}
	r.n, r.last = len(parcels), parcels[len(parcels)-1].ID
	sources, err := Sources(ctx, d.db)
	if err != nil {
		r.err = err
		return r
	}
	from := map[id.Source]Source{}
	for _, s := range sources {
		from[s.ID] = s
	}
	for _, p := range parcels {
		p.From = from[p.Source]
		k, ok := kindOf(d.kinds, p.From.Kind)
		var cut []Part
		err := errs.Wrong("", "collect.error.kind")
		if ok {
			cut, err = k.cut(p)
		}
		if err != nil {
			whole := p.whole()
			whole.Err = err
			r.bad = append(r.bad, whole)
			continue
		}
		if len(r.parts[k.Name]) == 0 {
			r.order = append(r.order, k.Name)
		}
		r.parts[k.Name] = append(r.parts[k.Name], cut...)
	}
	return r
}

// oldest reads parcels behind one in the order in which they came.
func oldest(ctx context.Context, q store.Querier, after int64) ([]*Parcel, error) {
	rows, err := q.Query(ctx, `
		select id, source_id, topic, delivery, received_at, noted, worked, body from collect_inbox
		where id > $1 order by id limit $2`, after, readParcels)
	if err != nil {
		return nil, fmt.Errorf("read the inbox: %w", err)
	}
	defer rows.Close()
	var all []*Parcel
	bytes := 0
	for bytes < readBytes && rows.Next() {
		p, err := scanParcel(rows)
		if err != nil {
			return nil, err
		}
		bytes += len(p.Body)
		all = append(all, p)
	}
	return all, rows.Err()
}

func scanParcel(rows *sql.Rows) (*Parcel, error) {
	p := &Parcel{}
	var at int64
	var noted string
	if err := rows.Scan(&p.ID, &p.Source, &p.Topic, &p.Delivery, &at, &noted, &p.worked, &p.Body); err != nil {
		return nil, err
	}
	p.Body = unpacked(p.Body)
	p.At = time.UnixMicro(at).UTC()
	if noted == "{}" {
		return p, nil
	}
	return p, json.Unmarshal([]byte(noted), &p.Noted)
}
