-- Of a list of subscribers there is no order to count, but what people agreed
-- to; and in some rows there is nothing that counts, such as a payment that
-- failed.
alter table imports add column rows_skipped bigint not null default 0;
alter table imports add column words_new bigint not null default 0;
