-- Where other programs are told of what happens.
create table webhook_endpoints (
	id               bigint not null primary key,
	url              text not null,
	description      text not null,
	kinds            text not null,    -- of events, with spaces between; empty: all
	history          boolean not null, -- also what an import brought
	state            text not null,    -- on, paused, gone, given_up
	secret           bytea not null,   -- sealed
	former_secret    bytea,            -- sealed; signs along until former_until_at
	former_until_at  bigint,
	failures         bigint not null,  -- in a row, until now
	failing_since_at bigint,
	rest_until_at    bigint,           -- left in peace until then
	created_at       bigint not null
); -- citus:local

-- What was, or is to be, told to an endpoint, with what came of it.
create table webhook_deliveries (
	customer_id bigint not null, -- 0: a ping, which is of nobody
	endpoint_id bigint not null,
	event_id    bigint not null,
	kind        text not null,
	state       text not null,   -- waiting, delivered, failed, held
	body        text not null,   -- as it is sent, each time the same
	attempts    bigint not null,
	status      bigint not null, -- of the latest answer; 0: there was none
	log         jsonb not null,  -- the latest attempts
	made_at     bigint not null,
	next_at     bigint,          -- of the next attempt, while it waits
	primary key (customer_id, endpoint_id, event_id)
); -- citus:customer_id

create index webhook_deliveries_endpoint_id on webhook_deliveries (endpoint_id, made_at, event_id);
create index webhook_deliveries_open on webhook_deliveries (endpoint_id, state, made_at, event_id) where state <> 'delivered';
