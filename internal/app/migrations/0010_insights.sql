-- The state that the orders are in: the number grows with whatever happens to
-- them, and a figure computed at an older number is an old one.
create table insights_data (
	id         bigint not null primary key, -- always 1
	version    bigint not null,
	changed_at bigint not null
); -- citus:local

-- What was asked and what came out.
create table insights_results (
	question    text not null,
	filter      text not null,   -- of which orders, in one way of writing it
	version     text not null,   -- of the data, read before the orders were
	day         text not null,   -- the business's own, on which it was computed
	orders      bigint not null, -- purchases it was computed from
	body        jsonb not null,
	took_ms     bigint not null, -- to compute
	computed_at bigint not null,
	primary key (question, filter)
); -- citus:local
create index insights_results_computed_at on insights_results (computed_at);

-- What is being computed now, and how far it is.
create table insights_runs (
	question   text not null,
	filter     text not null,
	rows_done  bigint not null,
	rows_total bigint not null,  -- 0: not counted yet
	failed     boolean not null, -- the last try; it is tried again
	asked_at   bigint not null,
	primary key (question, filter)
); -- citus:local

-- What staff entered of their costs, for the money case.
create table insights_costs (
	id           bigint not null primary key, -- always 1
	win_minor    bigint not null, -- to win a customer; 0: not entered
	keep_minor   bigint not null, -- to bring one back; 0: not entered
	margin_milli bigint not null, -- of a thousand of revenue, what is left after the goods; 0: not entered
	growth_milli bigint not null, -- of a thousand, what revenue is to grow by within a year; 0: not entered
	saved_at     bigint not null
); -- citus:local
