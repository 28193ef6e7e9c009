-- The order's shop tells of it by itself: files do not change it any more.
alter table orders add column told boolean not null default false;
alter table walkin_orders add column told boolean not null default false;

-- Names of an order beside its number: the shop's own ids of it.
alter table order_keys add column also boolean not null default false;
create index order_keys_also on order_keys (order_id) where also;
