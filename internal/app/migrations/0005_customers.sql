-- customers
create table customers (
	customer_id bigint not null primary key,
	version     bigint not null -- counted up by whoever changes or locks the customer
); -- citus:customer_id
