-- Of whom a source told only what an order came to, not what was in it: its
-- one line stands for all, and gives way to a fuller account.
alter table orders add column rough boolean not null default false;
alter table walkin_orders add column rough boolean not null default false;
