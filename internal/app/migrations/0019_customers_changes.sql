-- What stood in a customer's fields before and after a member of staff changed
-- them; the line of the audit log has the rest. Erasure empties it.
create table customer_changes (
	customer_id        bigint not null references customers (customer_id),
	audit_id           bigint not null,
	body               text not null, -- as in audit_values
	words              text not null,
	origin_customer_id bigint,
	primary key (customer_id, audit_id)
); -- citus:customer_id
create index customer_changes_audit on customer_changes (audit_id, customer_id);
