package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/id"
)

// lease is this process's hold on a node number, the part of every id that
// keeps two processes from making the same one.
type lease struct {
	node  int
	until time.Time // zero: none is held
}

const (
	leaseFor = 10 * time.Minute
	// leaseGrace is for the ids that a transaction still makes after its lease
	// has run out: the node stays unused so long.
	leaseGrace = 10 * time.Minute
)

// holdLease makes sure that the lease outlasts the transaction about to
// begin. It is called before it, since SQLite has one writer.
func (db *DB) holdLease(ctx context.Context) error {
	db.leaseMu.Lock()
	defer db.leaseMu.Unlock()
	now := db.clock()
	if db.held() && now.Add(leaseFor/2).Before(db.lease.until) && now.Add(2*leaseFor).After(db.lease.until) {
		return nil
	}
	if db.held() {
		kept, err := db.renew(ctx, now)
		if kept || err != nil {
			return err
		}
	}
	for range attempts {
		got, err := db.takeNode(ctx, now)
		if got || (err != nil && !conflict(err)) {
			return err
		}
	}
	return errs.Of(errs.Unavailable, nil, "store.wrong.nodes")
}

func (db *DB) held() bool { return !db.lease.until.IsZero() }

func (db *DB) renew(ctx context.Context, now time.Time) (bool, error) {
	until := now.Add(leaseFor)
	res, err := db.write.ExecContext(ctx, `
		update nodes set leased_until_at = $1 where node = $2 and leased_until_at = $3`,
		until.UnixMicro(), int64(db.lease.node), db.lease.until.UnixMicro())
	if err != nil {
		return false, fmt.Errorf("renew node %d: %w", db.lease.node, err)
	}
	n, err := res.RowsAffected()
	if n == 1 {
		db.lease.until = until
	}
	return n == 1, err
}

// takeNode leases the node that has been free the longest, or a new one.
func (db *DB) takeNode(ctx context.Context, now time.Time) (bool, error) {
	var node, was, lastMs int64
	until := now.Add(leaseFor)
	err := db.write.QueryRowContext(ctx, `
		select node, leased_until_at, last_ms from nodes
		where leased_until_at < $1 order by last_ms, node limit 1`,
		now.Add(-leaseGrace).UnixMicro()).Scan(&node, &was, &lastMs)
	var res sql.Result
	switch err {
	case nil:
		res, err = db.write.ExecContext(ctx, `
			update nodes set leased_until_at = $1 where node = $2 and leased_until_at = $3`, until.UnixMicro(), node, was)
		if was > 0 { // the last holder died without saying how far it had come
			lastMs = max(lastMs, was/1000+leaseGrace.Milliseconds())
		}
	case sql.ErrNoRows:
		if err = db.write.QueryRowContext(ctx, `select coalesce(max(node) + 1, 0) from nodes`).Scan(&node); err != nil {
			return false, err
		}
		if node > id.MaxNode {
			return false, nil
		}
		res, err = db.write.ExecContext(ctx, `
			insert into nodes (node, leased_until_at, last_ms) values ($1, $2, 0)
			on conflict (node) do nothing`, node, until.UnixMicro())
	}
	if err != nil {
		return false, fmt.Errorf("lease a node number: %w", err)
	}
	n, err := res.RowsAffected()
	if n == 1 && err == nil {
		db.lease = lease{node: int(node), until: time.UnixMicro(until.UnixMicro())}
		db.maker.Store(id.NewMaker(int(node), lastMs))
	}
	return n == 1, err
}

// UseAlone lets bulk work hold the writer for long when no other program has
// the database open: nobody waits for it then. A program that died without
// giving its node back counts for some minutes more.
func (db *DB) UseAlone(ctx context.Context) error {
	if err := db.holdLease(ctx); err != nil {
		return err
	}
	var others int
	err := db.QueryRow(ctx, `select count(*) from nodes where leased_until_at > $1 and node <> $2`,
		db.clock().UnixMicro(), int64(db.lease.node)).Scan(&others)
	if err != nil {
		return fmt.Errorf("look for other programs: %w", err)
	}
	db.exclusive = others == 0
	return nil
}

// release gives the node back at once, saying how far its ids have come.
func (db *DB) release() {
	db.leaseMu.Lock()
	defer db.leaseMu.Unlock()
	if !db.held() {
		return
	}
	// Failing here only costs the node its grace.
	_, _ = db.write.Exec(`
		update nodes set leased_until_at = 0, last_ms = $1 where node = $2 and leased_until_at = $3`,
		db.maker.Load().LastMs(), int64(db.lease.node), db.lease.until.UnixMicro())
	db.lease = lease{}
}
