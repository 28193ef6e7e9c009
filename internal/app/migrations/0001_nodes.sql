-- The node numbers that keep the ids of processes apart. See store/lease.go.
create table nodes (
	node            bigint primary key,
	leased_until_at bigint not null, -- 0: given back
	last_ms         bigint not null  -- how far its ids had come when given back
); -- citus:local
