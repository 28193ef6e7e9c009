-- Browsers and apps, by the id that tracking clients give them: whose they
-- are, once somebody was known by one.
create table collect_visitors (
	visitor            text not null primary key, -- space:anonymousId
	visitor_id         bigint not null,
	customer_id        bigint,          -- null: nobody known
	origin_customer_id bigint,
	waiting            bigint not null, -- events in visitor_events
	seen_at            bigint not null  -- to the day
); -- citus:visitor
create index collect_visitors_customer on collect_visitors (customer_id) where customer_id is not null;

-- What visitors did whom nobody knows. Personal: it becomes a customer's when
-- the visitor is known, and goes when they were not seen for 90 days.
create table visitor_events (
	visitor_id  bigint not null,
	occurred_at bigint not null,
	id          bigint not null,
	kind        text not null,   -- track, page, screen
	name        text not null,
	source_id   bigint not null,
	props       jsonb not null,
	primary key (visitor_id, occurred_at, id)
); -- citus:visitor_id

-- Customers' collected events by their name, for "did this, so often, since".
create table customer_event_names (
	customer_id        bigint not null,
	name               text not null,   -- Product Viewed
	occurred_at        bigint not null,
	event_id           bigint not null, -- in events
	origin_customer_id bigint,
	primary key (customer_id, name, occurred_at, event_id)
); -- citus:customer_id

-- What collected events tell, a row a value. Personal.
create table customer_event_props (
	customer_id        bigint not null,
	event_id           bigint not null,
	prop               text not null,   -- category; of what stands deeper: context.campaign.source
	ordinal            bigint not null, -- among the values of a list
	text_value         text not null,
	number_value       double precision,
	origin_customer_id bigint,
	primary key (customer_id, event_id, prop, ordinal)
); -- citus:customer_id

-- What sites and apps say of a customer beyond a profile: their plan, their
-- company, … The newest of each by its own time. Personal.
create table customer_traits (
	customer_id        bigint not null references customers (customer_id),
	trait              text not null,
	text_value         text not null,
	number_value       double precision,
	told_at            bigint not null,
	origin_customer_id bigint,
	primary key (customer_id, trait)
); -- citus:customer_id

-- All that tracking clients told of an order. The order is made of all of it
-- each time, so that the order in which it came does not matter.
create table collect_orders (
	number             text not null,   -- space:order_id
	message            text not null,   -- whoever told
	told               text not null,   -- completed, updated, refunded, cancelled
	occurred_at        bigint not null,
	visitor            text not null,   -- space:anonymousId; empty: none
	customer_id        bigint,          -- null: nobody known
	origin_customer_id bigint,
	account            jsonb not null,  -- amounts and products
	primary key (number, message)
); -- citus:number
create index collect_orders_visitor on collect_orders (visitor) where customer_id is null;
create index collect_orders_customer on collect_orders (customer_id) where customer_id is not null;
