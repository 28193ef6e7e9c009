-- Ids that programs gave the events they record, so that none is written
-- twice, whenever it is sent again.
create table collect_event_ids (
	told_id            text not null primary key,
	customer_id        bigint not null,
	event_id           bigint not null, -- in events; 0: being written
	occurred_at        bigint not null,
	origin_customer_id bigint
); -- citus:told_id
create index collect_event_ids_customer on collect_event_ids (customer_id);
