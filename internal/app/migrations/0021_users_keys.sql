-- Keys by which programs use the API in the name of a member of staff. Only
-- the hash of a key is kept. One that was taken back stays: the log of what it
-- did names it.
create table user_keys (
	id         bigint primary key,
	user_id    bigint not null,
	name       text not null,   -- what it is for, in its owner's words
	token_hash text not null,
	ending     text not null,   -- its last characters, to tell it by
	scopes     text not null,   -- customers:read and so on, with spaces between
	created_at bigint not null,
	used_at    bigint,          -- to the minute; null: never
	expires_at bigint,          -- null: does not
	revoked_at bigint           -- null: works
); -- citus:local

create unique index user_keys_token on user_keys (token_hash);
create index user_keys_user on user_keys (user_id, id);
