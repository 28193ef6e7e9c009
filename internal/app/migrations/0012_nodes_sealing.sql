-- One row, sealed with the key that seals secrets: a program that holds
-- another key is told so at its start, not at the first secret it needs.
create table sealing (
	id      bigint primary key, -- 1
	probe   bytea not null,
	made_at bigint not null
); -- citus:local
