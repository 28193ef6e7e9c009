-- When and how a person proved who they are: what is sensitive asks again
-- after a while.
alter table sessions add column proved_at bigint not null default 0;
alter table sessions add column way text not null default ''; -- passkey, oidc; empty: a password

-- Passkeys: a key pair in the person's own device, of which this is the public
-- half. No secret.
create table user_passkeys (
	id         bigint primary key,
	user_id    bigint not null,
	handle     text not null,   -- the credential's own id, in base64
	credential text not null,   -- JSON: the public key, and what the device said of itself
	name       text not null,   -- by which the person tells it from others
	created_at bigint not null,
	used_at    bigint
); -- citus:local
create unique index user_passkeys_handle on user_passkeys (handle);
create index user_passkeys_user on user_passkeys (user_id, id);

-- Codes of an authenticator app. A code works once: the next one must be of a
-- later half minute.
create table user_totp (
	user_id    bigint primary key,
	secret     bytea not null,  -- sealed
	last_step  bigint not null, -- half minutes since 1970
	created_at bigint not null
); -- citus:local

-- Codes on paper for who has lost the device. Each works once.
create table user_recovery_codes (
	code_hash text primary key,
	user_id   bigint not null,
	used_at   bigint
); -- citus:local
create index user_recovery_codes_user on user_recovery_codes (user_id, code_hash);

-- Marks of sealed tickets that were used and do not work again.
create table user_marks (
	mark       text primary key,
	expires_at bigint not null
); -- citus:local

-- How staff may sign in. One row.
create table user_access (
	id           bigint primary key, -- 1
	second_roles text not null,      -- roles that need a second factor, with commas between
	oidc_issuer  text not null,      -- empty: no sign-in by another system
	oidc_client  text not null,
	oidc_secret  bytea not null,     -- sealed
	oidc_name    text not null,      -- what the button says: Google, the name of the company
	oidc_domains text not null,      -- of email addresses that may come without an invitation
	oidc_role    text not null,      -- what they may do; empty: nobody comes without an invitation
	oidc_claim   text not null,      -- a claim that says the role; empty: none does
	oidc_roles   text not null,      -- its values: admins=owner, shop=till
	changed_at   bigint not null
); -- citus:local

-- Who of the other system is whom here.
create table user_identities (
	issuer     text not null,
	subject    text not null,
	user_id    bigint not null,
	created_at bigint not null,
	primary key (issuer, subject)
); -- citus:local
create index user_identities_user on user_identities (user_id, issuer);
