-- What was removed of an erased person, by table and number of rows, with the
-- seal that shows when it was changed. Erasures from before have none.
alter table customer_erasures add column receipt text not null default ''; -- JSON
alter table customer_erasures add column digest text not null default ''; -- HMAC of the receipt
