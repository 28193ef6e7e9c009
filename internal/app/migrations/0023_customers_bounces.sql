-- Emails from which post came back for good: sending asks here.
create table customer_bounces (
	customer_id        bigint not null references customers (customer_id),
	address            text not null,   -- an email, as identities have it
	bounced_at         bigint not null,
	reason             text not null,   -- what is known of why
	source             text not null,
	created_at         bigint not null,
	import_id          bigint,
	origin_customer_id bigint,
	primary key (customer_id, address)
); -- citus:customer_id
