-- The models that customers are scored by. One fit has a row for each kind.
create table score_models (
	model_id       bigint not null,
	kind           text not null,    -- bgnbd, gammagamma, rhythm, rfm
	as_of_day      text not null,    -- the last day known to it
	fitted_at      bigint not null,
	finished_at    bigint,           -- null: customers are being scored with it
	orders         bigint not null,  -- what it was fitted on
	buyers         bigint not null,
	customers      bigint not null,  -- of them: who could be learnt from
	repeaters      bigint not null,
	parameters     text not null,    -- JSON, each number exact; empty: none were found
	log_likelihood double precision, -- null: none were found, or there is nothing to find
	edge           boolean not null, -- parameters mean nothing by themselves
	trouble        text not null,    -- why none were found: a word of a fixed list
	primary key (model_id, kind)
); -- citus:reference

-- One row a customer who bought. What a model could not say is null.
create table customer_scores (
	customer_id          bigint not null primary key references customers (customer_id),
	model_id             bigint not null,
	as_of_day            text not null,
	first_day            text not null,    -- what the scores stand on
	last_day             text not null,
	visits               bigint not null,  -- days with a purchase
	orders               bigint not null,
	spend_minor          bigint not null,
	alive                double precision, -- chance to be a customer still
	return_chance        double precision, -- chance to come again within a year
	expected_purchases   double precision, -- visits within a year
	expected_value_minor bigint,           -- what they bring within a year
	worth_minor          bigint,           -- the same of somebody who certainly stays
	expected_gap_days    double precision,
	due_day              text,
	late_chance          double precision, -- share of their gaps that are as long as this silence
	late                 boolean not null,
	rfm_r                bigint,
	rfm_f                bigint,
	rfm_m                bigint,
	rfm_group            text not null,    -- empty: too few customers for groups
	scored_at            bigint not null
); -- citus:customer_id
create index customer_scores_slipping on customer_scores (worth_minor, customer_id) where late;
create index customer_scores_due_day on customer_scores (due_day, customer_id) where due_day is not null;

-- Customers who are to be scored again.
create table scores_stale (
	customer_id bigint not null primary key,
	marked_at   bigint not null
); -- citus:customer_id
