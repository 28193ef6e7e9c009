-- What customers pay under contract, as it stands.
create table subscriptions (
	customer_id        bigint not null references customers (customer_id),
	subscription_id    bigint not null,
	source             text not null,
	external           text not null,   -- by which its source names it
	plan               text not null,
	status             text not null,   -- trialing, active, past_due, paused, cancelled
	amount_minor       bigint not null, -- each period, for all of the quantity
	currency           text not null,
	interval_unit      text not null,   -- day, week, month, year
	interval_count     bigint not null,
	quantity           bigint not null,
	monthly_minor      bigint not null, -- amount_minor a month; 0 while nothing is paid
	started_at         bigint not null,
	trial_end_at       bigint,
	period_end_at      bigint,          -- paid up to
	cancel_at          bigint,          -- notice was given for then
	ended_at           bigint,
	reason             text not null,   -- of the notice or the end: a word of a fixed list
	note               text not null,   -- the same in somebody's own words: personal
	told_at            bigint not null, -- by its source's time
	recorded_at        bigint not null,
	origin_customer_id bigint,          -- whose it was before a merge
	primary key (customer_id, subscription_id)
); -- citus:customer_id
create index subscriptions_started on subscriptions (started_at, subscription_id);
create index subscriptions_cancel on subscriptions (cancel_at) where cancel_at is not null and ended_at is null;

-- What a subscription was from when to when: a row for each time that its
-- source told of it, by the source's time, whatever order they came in. Those
-- implied stand for the time from its beginning until it was first told of.
create table subscription_states (
	customer_id        bigint not null,
	subscription_id    bigint not null,
	told_at            bigint not null,
	implied            boolean not null,
	since_at           bigint not null, -- from then on it was so
	until_at           bigint,          -- and no longer then; null: it is so
	plan               text not null,
	status             text not null,
	amount_minor       bigint not null,
	currency           text not null,
	interval_unit      text not null,
	interval_count     bigint not null,
	quantity           bigint not null,
	monthly_minor      bigint not null,
	started_at         bigint,          -- as told; null: not told
	trial_end_at       bigint,
	period_end_at      bigint,
	cancel_at          bigint,
	ended_at           bigint,
	reason             text not null,
	note               text not null,
	origin_customer_id bigint,
	primary key (customer_id, subscription_id, told_at)
); -- citus:customer_id

-- Periods that were paid for, beside the order that the payment is: nothing
-- here is revenue once more.
create table subscription_renewals (
	customer_id        bigint not null,
	subscription_id    bigint not null,
	number             text not null,   -- of the invoice, as its source has it
	paid_at            bigint not null,
	until_at           bigint,          -- the end of the period
	amount_minor       bigint not null,
	currency           text not null,
	origin_customer_id bigint,
	primary key (customer_id, subscription_id, number)
); -- citus:customer_id

-- Which subscription a source's id names, and whose it is.
create table subscription_keys (
	external           text not null,
	source             text not null,
	subscription_id    bigint not null,
	customer_id        bigint not null,
	origin_customer_id bigint,
	primary key (external, source)
); -- citus:external
create index subscription_keys_customer on subscription_keys (customer_id);
