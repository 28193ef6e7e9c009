-- Files that were brought in, and how far each has come.
create table imports (
	id             bigint not null primary key,
	state          text not null,   -- waiting, running, complete, failed, stopped, undoing, undone
	file_name      text not null,
	file_size      bigint not null,
	file_hash      text not null,   -- sha-256, to recognise the same file
	header         text not null,   -- of the file, as CSV: it heads the rows to be mended
	settings       jsonb not null,  -- layout, columns, currency, zone…
	position       bigint not null, -- rows of the file that are done: where to go on
	bytes_done     bigint not null,
	bytes_total    bigint not null,
	rows_bad       bigint not null,
	orders_new     bigint not null,
	orders_changed bigint not null,
	orders_same    bigint not null,
	lines_new      bigint not null,
	customers_new  bigint not null,
	message        text not null,   -- why it failed, or what to know of it
	created_by     bigint not null, -- the member of staff; 0: the command line
	created_at     bigint not null,
	started_at     bigint,
	finished_at    bigint
); -- citus:local
create index imports_file_hash on imports (file_hash);

-- The file itself in slices while it is needed: it outlives a closed browser
-- and a restarted server, and every process that does background work has it.
create table import_files (
	import_id bigint not null,
	part      bigint not null,
	body      bytea not null,
	primary key (import_id, part)
); -- citus:local

-- Rows that could not be read, to be mended. Personal: they hold what the
-- file said of people.
create table import_errors (
	import_id   bigint not null,
	line        bigint not null,
	ordinal     bigint not null, -- among the errors of the line
	column_name text not null,
	reason      text not null,
	row_text    text not null,   -- the row as CSV
	primary key (import_id, line, ordinal)
); -- citus:local

-- What somebody chose for files with the same header.
create table import_mappings (
	header_hash text not null primary key,
	settings    jsonb not null,
	saved_at    bigint not null
); -- citus:local
