-- Members of staff: a few dozen rows. None is ever deleted, as the audit log
-- and the timeline name them. Who has left is disabled.
create table users (
	id            bigint primary key,
	name          text not null,
	email         text not null,   -- as it was typed
	email_key     text not null,   -- the same folded, for finding
	role          text not null,
	password_hash text not null,   -- empty: none chosen yet
	language      text not null,   -- empty: as the browser asks
	theme         text not null,   -- empty: as the system is
	zone          text not null,   -- empty: the business's own
	version       bigint not null, -- counted up by every change
	created_at    bigint not null,
	signed_in_at  bigint,          -- the last time
	disabled_at   bigint           -- null: may sign in
); -- citus:local

create unique index users_email on users (email_key);

-- Who is signed in where. Only the hash of a token is kept, so that a copy of
-- the database opens no door.
create table sessions (
	token_hash text primary key,
	id         bigint not null, -- names it in the list of sessions
	user_id    bigint not null,
	device     text not null,   -- Firefox on Linux
	created_at bigint not null,
	seen_at    bigint not null, -- written every few minutes
	expires_at bigint not null  -- whatever happens
); -- citus:local

create index sessions_user on sessions (user_id, created_at);

-- Links that work once: for the first owner, and to choose a password.
create table user_links (
	token_hash text primary key,
	purpose    text not null,   -- owner, password, claimed
	user_id    bigint not null, -- 0: nobody yet
	expires_at bigint not null
); -- citus:local

-- Tries to sign in, counted by account and by address over a window. The key
-- is a hash: the table names nobody.
create table sign_in_tries (
	key      text primary key,
	tries    bigint not null,
	since_at bigint not null
); -- citus:local

-- What members of staff changed. Rows are added and never touched again. They
-- hold names of fields, not what stood in them.
create table audit (
	id      bigint primary key,
	at      bigint not null,
	user_id bigint not null, -- 0: the command line, or the program itself
	action  text not null,   -- user.added
	subject text not null,   -- usr_…, cus_…, or nothing: the business as a whole
	fields  text not null    -- names of what changed, with commas between
); -- citus:local

create index audit_user on audit (user_id, id);

-- Random keys that every process of the program shares, to sign what it hands
-- out. Made at the first need.
create table user_secrets (
	name       text not null primary key,
	body       bytea not null,
	created_at bigint not null
); -- citus:local
