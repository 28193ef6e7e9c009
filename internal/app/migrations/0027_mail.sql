-- How mail goes out, as the owner chose it. One row.
create table mail_settings (
	id           bigint primary key, -- 1
	host         text not null,      -- empty: none does
	port         bigint not null,    -- 0: the usual one
	security     text not null,      -- starttls, tls, none
	login        text not null,
	password     bytea not null,     -- sealed
	from_address text not null,
	from_name    text not null,
	url          text not null,      -- where people reach the program
	changed_at   bigint not null
); -- citus:local

-- How the last try to send went. One row.
create table mail_state (
	id       bigint primary key, -- 1
	tried_at bigint not null,
	failure  text not null       -- empty: it went out
); -- citus:local

-- Letters that wait to go out. They are sealed, and deleted as soon as they
-- have gone.
create table mail_letters (
	id        bigint primary key,
	body      bytea not null,
	posted_at bigint not null
); -- citus:local
