-- Browsers are known by what they keep sealed. This is counted up when all of
-- them shall be known no more: by another password, or signing out everywhere.
alter table users add column known_round bigint not null default 0;
