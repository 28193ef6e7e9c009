-- The audit log is a chain: each line has a number and a hash of itself and
-- of the line before, so that a line that was changed, taken out or put in is
-- seen. Lines from before have the number 0.
alter table audit add column seq bigint not null default 0;
alter table audit add column digest text not null default ''; -- of what stood in the fields; empty: nothing is kept
alter table audit add column hash text not null default '';
create unique index audit_seq on audit (seq) where seq > 0;
create index audit_subject on audit (subject, id);

-- The end of the chain, sealed with a key that is not in the database: who
-- writes the whole chain anew cannot seal its end.
create table audit_head (
	id     bigint primary key, -- 1
	seq    bigint not null,
	hash   text not null,
	sealed bytea not null
); -- citus:local

-- What stood in the fields before and after, where that says nothing of a
-- customer. What does is in customer_changes.
create table audit_values (
	audit_id bigint primary key,
	body     text not null, -- JSON: a random salt, then field, before and after
	words    text not null  -- the same folded, for searching
); -- citus:local
