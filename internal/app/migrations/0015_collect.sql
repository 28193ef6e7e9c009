-- Where things come in from: a site, an app, a shop.
create table collect_sources (
	id          bigint not null primary key,
	kind        text not null,   -- segment, shopify, woocommerce, stripe, square
	name        text not null,
	token       text not null,   -- the write key, or the end of the address
	space       text not null,   -- whose ids it tells: a customer's identity is external, space:id
	secret      bytea,           -- sealed: what its deliveries are signed with
	settings    jsonb not null,
	created_by  bigint not null, -- the member of staff; 0: the program
	created_at  bigint not null,
	disabled_at bigint,
	used_at     bigint           -- when something came last
); -- citus:local
create unique index collect_sources_token on collect_sources (token);

-- What came in and is not worked yet, as it came. Personal: a row is removed
-- with what it told being written down.
create table collect_inbox (
	id          bigint not null primary key,
	source_id   bigint not null,
	topic       text not null,   -- what the sender calls it: batch, orders/create
	delivery    text not null,   -- the sender's own id of it; empty: none
	received_at bigint not null,
	noted       jsonb not null,  -- what else the door saw, such as a header
	worked      bigint not null, -- parts of it that are done
	body        bytea not null
); -- citus:local

-- Parts that could not be worked, with the reason, until somebody tries them
-- again. Personal, and kept for 30 days.
create table collect_failures (
	id          bigint not null primary key,
	source_id   bigint not null,
	topic       text not null,
	delivery    text not null,
	received_at bigint not null,
	failed_at   bigint not null,
	reason      text not null,   -- the key of the sentence that says it
	reason_args jsonb not null,
	noted       jsonb not null,
	body        bytea not null
); -- citus:local
create index collect_failures_source_id on collect_failures (source_id, id);

-- The messages of the last days, so that none counts twice.
create table collect_seen (
	message   text not null,
	source_id bigint not null,
	seen_at   bigint not null,
	primary key (message, source_id)
); -- citus:message
