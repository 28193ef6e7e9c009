-- What an import did to subscriptions, beside its orders.
alter table imports add column subscriptions_new bigint not null default 0;
alter table imports add column subscriptions_changed bigint not null default 0;
alter table imports add column subscriptions_same bigint not null default 0;
