-- What happened to each customer, in the order in which it happened.
create table events (
	customer_id        bigint not null references customers (customer_id),
	occurred_at        bigint not null, -- by its source
	id                 bigint not null,
	kind               text not null,   -- order.placed
	version            bigint not null, -- of the payload
	history            boolean not null, -- updates facts, starts nothing
	source             text not null,   -- staff, import, demo, api…
	ref_id             bigint not null, -- the thing it tells of; 0: the customer
	actor_id           bigint not null, -- the member of staff; 0: the program
	import_id          bigint,
	payload            jsonb not null,  -- ids, amounts and names of fields only
	recorded_at        bigint not null,
	origin_customer_id bigint,          -- whose it was before a merge
	primary key (customer_id, occurred_at, id)
); -- citus:customer_id

-- An import's events are walked when it is complete, and when it is undone.
create index events_import on events (import_id, customer_id, occurred_at, id) where import_id is not null;
