-- What shops told last of each of their things, of which an order is made anew
-- each time. Amounts and ids, and nothing personal.
create table collect_pieces (
	group_id           text not null,   -- the order, by the shop's id of it
	space              text not null,   -- whose ids
	piece              text not null,   -- order, refund:551, payment:…
	version            bigint not null, -- the shop's own time of it, in microseconds
	told               text not null,   -- JSON, byte for byte: two accounts of one time are compared
	customer_id        bigint,          -- whom it named
	origin_customer_id bigint,
	primary key (group_id, space, piece)
); -- citus:group_id
create index collect_pieces_piece on collect_pieces (piece, space);
create index collect_pieces_customer on collect_pieces (customer_id) where customer_id is not null;

-- What shops said of a person, the newest of each field: by it what the shop
-- changed is told from what staff changed. Personal.
create table collect_told (
	customer_id        bigint not null references customers (customer_id),
	space              text not null,
	field              text not null,   -- name, language, country
	value              text not null,
	told_at            bigint not null, -- by the shop's own time
	origin_customer_id bigint,
	primary key (customer_id, space, field)
); -- citus:customer_id

-- Deliveries that were refused or ignored, by what they were.
create table collect_counts (
	source_id bigint not null,
	what      text not null,   -- refused, or ignored: and the topic
	n         bigint not null,
	last_at   bigint not null,
	primary key (source_id, what)
); -- citus:local

-- What people asked for about their data by way of a shop: a copy, or to be
-- forgotten.
create table collect_requests (
	id                 bigint not null primary key,
	source_id          bigint not null,
	topic              text not null,
	reference          text not null,   -- the shop's number of it, or empty
	customer_id        bigint,          -- null: nobody known, or the whole shop
	origin_customer_id bigint,
	outcome            text not null,   -- empty: open; nobody, erased, elsewhere, settled
	asked_at           bigint not null,
	due_at             bigint not null,
	done_at            bigint,
	done_by            bigint not null  -- 0: the program
); -- citus:local
