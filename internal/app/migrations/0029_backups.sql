-- One row: when backups are made, and what became of the last.
create table backups (
	id           bigint primary key, -- 1
	switched_on  boolean not null,
	hour         bigint not null, -- of the business's day
	keep_daily   bigint not null,
	keep_weekly  bigint not null,
	keep_monthly bigint not null,
	recipient    text not null, -- an age key that they are locked with; or ''
	passphrase   bytea, -- sealed
	last_at      bigint, -- of the last that succeeded
	last_day     text not null,
	last_file    text not null,
	last_bytes   bigint not null,
	trouble      text not null, -- why the last try failed: full, folder, key, other; or ''
	tried_at     bigint
); -- citus:local
