-- One row a customer, folded from the customer's own events.
create table customer_facts (
	customer_id     bigint not null primary key references customers (customer_id),
	orders          bigint not null,  -- purchases
	spend_minor     bigint not null,  -- of purchases, in the business's currency
	refunded_minor  bigint not null,
	net_minor       bigint not null,  -- spend - refunded
	unvalued        bigint not null,  -- purchases and returns that wait for a rate: not in the sums
	items           bigint not null,
	first_order_at  bigint,
	first_order_day text,
	last_order_at   bigint,
	last_order_day  text,
	refunds         bigint not null,
	cancellations   bigint not null,
	promises_kept   bigint not null,
	promises_missed bigint not null,
	mean_gap_days   double precision, -- between days with a purchase, null under two
	last_channel    text not null,
	events          bigint not null,
	last_event_at   bigint
); -- citus:customer_id
-- The list of customers is walked in these orders.
create index customer_facts_orders on customer_facts (orders, customer_id);
create index customer_facts_spend_minor on customer_facts (spend_minor, customer_id);
create index customer_facts_last_order_day on customer_facts (last_order_day, customer_id) where last_order_day is not null;

-- Customers whose facts are to be folded again.
create table facts_stale (
	customer_id bigint not null primary key,
	marked_at   bigint not null
); -- citus:customer_id
