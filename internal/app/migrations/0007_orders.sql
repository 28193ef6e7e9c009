-- The catalogue: small tables, known to every node.
create table categories (
	id         bigint not null primary key,
	name       text not null,
	parent_id  bigint,
	created_at bigint not null
); -- citus:reference

create table products (
	id          bigint not null primary key,
	sku         text not null,
	name        text not null,
	kind        text not null, -- product, or service: postage, fees, bank charges
	category_id bigint,
	search      text not null, -- sku and name, folded
	import_id   bigint,
	created_at  bigint not null
); -- citus:reference
create unique index products_sku on products (sku);

-- What a foreign currency was worth on a day, in billionths of the business's own.
create table rates (
	currency  text not null,
	day       text not null,
	rate      bigint not null,
	source    text not null, -- staff, import
	added_at  bigint not null,
	primary key (currency, day)
); -- citus:reference

-- Sales and returns of customers. A return is a row of its own, its amounts
-- positive: money given back.
create table orders (
	customer_id        bigint not null references customers (customer_id),
	order_id           bigint not null,
	number             text not null,
	source             text not null,
	is_return          boolean not null,
	of_number          text not null,  -- of a return: the number of its order, empty: none was named
	of_order_id        bigint,         -- of a return: its order, once known
	placed_at          bigint not null,
	placed_day         text not null,
	currency           text not null,
	lines_minor        bigint not null,
	discount_minor     bigint not null,
	shipping_minor     bigint not null,
	tax_minor          bigint not null, -- what is added on top, 0 where prices hold it
	total_minor        bigint not null, -- lines - discount + shipping + tax
	rate               bigint,          -- billionths, null: waits for a rate
	base_minor         bigint,          -- the total in the business's currency
	items              bigint not null, -- pieces of products, services left out
	goods_minor        bigint not null, -- of lines whose quantity and price are above 0
	purchase           boolean not null, -- a sale, not cancelled, with goods: what retention counts
	channel            text not null,
	staff              text not null,
	promised_day       text,
	delivered_day      text,
	cancelled_at       bigint,
	reason             text not null,  -- of a return or cancellation: a word of a fixed list
	note               text not null,  -- the same in somebody's own words: personal
	refunded_minor     bigint not null, -- the total of its returns, in its currency
	import_id          bigint,         -- the import that brought it
	recorded_at        bigint not null,
	origin_customer_id bigint,         -- whose it was before a merge
	primary key (customer_id, order_id)
); -- citus:customer_id
create index orders_placed_at on orders (placed_at, order_id);
create index orders_import on orders (import_id, customer_id, order_id) where import_id is not null;
create index orders_unvalued on orders (currency, placed_day) where rate is null;
create index orders_unlinked on orders (of_number) where of_order_id is null and of_number <> '';

-- Without a foreign key: half a million rows of an import would each look up
-- a customer whom their order has looked up already. And without an index by
-- product, which would take as long to fill as all the rest: what a product
-- sold is read from all lines.
create table order_lines (
	customer_id        bigint not null,
	order_id           bigint not null,
	line               bigint not null, -- from 1, in the order in which they came
	product_id         bigint not null,
	quantity_milli     bigint not null,
	price_micro        bigint not null, -- of one, in millionths of the order's currency
	total_minor        bigint not null,
	import_id          bigint,
	origin_customer_id bigint,
	primary key (customer_id, order_id, line)
); -- citus:customer_id

-- The same for people who are not known: counted as sales, never as customers.
create table walkin_orders (
	order_id           bigint not null primary key,
	number             text not null,
	source             text not null,
	is_return          boolean not null,
	of_number          text not null,
	of_order_id        bigint,
	placed_at          bigint not null,
	placed_day         text not null,
	currency           text not null,
	lines_minor        bigint not null,
	discount_minor     bigint not null,
	shipping_minor     bigint not null,
	tax_minor          bigint not null,
	total_minor        bigint not null,
	rate               bigint,
	base_minor         bigint,
	items              bigint not null,
	goods_minor        bigint not null,
	purchase           boolean not null,
	channel            text not null,
	staff              text not null,
	promised_day       text,
	delivered_day      text,
	cancelled_at       bigint,
	reason             text not null,
	note               text not null,
	refunded_minor     bigint not null,
	import_id          bigint,
	recorded_at        bigint not null
); -- citus:order_id
create index walkin_orders_placed_at on walkin_orders (placed_at, order_id);
create index walkin_orders_import on walkin_orders (import_id, order_id) where import_id is not null;
create index walkin_orders_unvalued on walkin_orders (currency, placed_day) where rate is null;
create index walkin_orders_unlinked on walkin_orders (of_number) where of_order_id is null and of_number <> '';

create table walkin_order_lines (
	order_id       bigint not null,
	line           bigint not null,
	product_id     bigint not null,
	quantity_milli bigint not null,
	price_micro    bigint not null,
	total_minor    bigint not null,
	import_id      bigint,
	primary key (order_id, line)
); -- citus:order_id

-- Which order a number names, and whose it is. A number is claimed here by
-- the order itself: it exists once a source.
create table order_keys (
	number             text not null,
	source             text not null,
	order_id           bigint not null,
	customer_id        bigint, -- null: a walk-in
	origin_customer_id bigint, -- whose it was before a merge
	primary key (number, source)
); -- citus:number
create index order_keys_customer on order_keys (customer_id) where customer_id is not null;

-- What an import changed in orders that were there before it, so that it can
-- be undone: for each field the former and the new value. Personal, as a
-- note may be among them.
create table order_changes (
	customer_id        bigint not null,
	order_id           bigint not null,
	import_id          bigint not null,
	fields             jsonb not null,
	changed_at         bigint not null,
	origin_customer_id bigint,
	primary key (customer_id, order_id, import_id)
); -- citus:customer_id
create index order_changes_import on order_changes (import_id, customer_id, order_id);

create table walkin_order_changes (
	order_id   bigint not null,
	import_id  bigint not null,
	fields     jsonb not null,
	changed_at bigint not null,
	primary key (order_id, import_id)
); -- citus:order_id
create index walkin_order_changes_import on walkin_order_changes (import_id, order_id);
