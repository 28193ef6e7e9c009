-- Work that waits, runs, or has failed for good. What is done is deleted.
create table jobs (
	id              bigint primary key,
	kind            text not null,    -- module.verb
	args            jsonb not null,   -- ids, amounts and names only
	unique_key      text,             -- null: none, see jobs_kind_unique_key
	state           text not null check (state in ('waiting', 'running', 'dead')),
	due_at          bigint not null,  -- while it runs: when it runs again
	attempt         bigint not null,  -- tries of the present run that were begun
	claim           bigint not null,  -- who holds it: an id made anew by each claim, which fences off a late worker. 0: nobody
	leased_until_at bigint,           -- only while it runs
	worker          text,             -- only while it runs, for people
	again           boolean not null, -- asked for while it ran: runs once more
	last_error      text,
	created_at      bigint not null,
	started_at      bigint
); -- citus:local
create unique index jobs_kind_unique_key on jobs (kind, unique_key) where unique_key is not null;
create index jobs_due on jobs (due_at, id) where state = 'waiting';
create index jobs_leased on jobs (leased_until_at, id) where state = 'running';
create index jobs_dead on jobs (due_at, id) where state = 'dead';
