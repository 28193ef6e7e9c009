-- People, and what is known of them. One row here is one person; who was
-- merged into somebody stays as a tombstone, who was erased as a blank row.
create table customers (
	customer_id bigint not null primary key,
	version     bigint not null, -- counted up by whoever changes or locks the customer
	merged_into bigint,          -- the customer that lives on; null: this one does
	erased_at   bigint,
	name        text not null,
	sort_name   text not null,   -- folded; of who has no name, what stands for it
	given       text not null,
	family      text not null,
	language    text not null,   -- cs; empty: unknown
	country     text not null,   -- ISO 3166, CZ; empty: unknown
	email       text not null,   -- the main one of customer_identities, or empty
	phone       text not null,
	joined_at   bigint not null,
	joined_day  text not null,
	source      text not null,
	import_id   bigint,
	created_at  bigint not null,
	changed_at  bigint not null
); -- citus:customer_id

-- The list walks one of these in its own order, and only over the living.
create index customers_sort_name on customers (sort_name, customer_id) where merged_into is null and erased_at is null;
create index customers_joined_day on customers (joined_day, customer_id) where merged_into is null and erased_at is null;
create index customers_country on customers (country, customer_id) where merged_into is null and erased_at is null;
create index customers_language on customers (language, customer_id) where merged_into is null and erased_at is null;
create index customers_merged_into on customers (merged_into) where merged_into is not null;
create index customers_import on customers (import_id, customer_id) where import_id is not null;

-- By what a customer is known: emails, phones, ids in other systems, cards.
create table customer_identities (
	customer_id        bigint not null references customers (customer_id),
	kind               text not null,   -- email, phone, external, card
	value              text not null,   -- normalised
	shown              text not null,   -- as it was written
	created_at         bigint not null,
	import_id          bigint,
	origin_customer_id bigint,
	primary key (customer_id, kind, value)
); -- citus:customer_id

-- Nobody shares an identity: each is claimed here, kind and value in one key.
create table customer_keys (
	key                text not null primary key, -- email:ana@example.com; erased: and an HMAC of it
	customer_id        bigint not null,
	origin_customer_id bigint
); -- citus:key
create index customer_keys_customer on customer_keys (customer_id);

-- What an import added to a customer who had been there before it.
create table customer_fills (
	customer_id bigint not null references customers (customer_id),
	import_id   bigint not null,
	field       text not null,   -- a column of customers, or a kind of identity
	value       text not null,
	primary key (customer_id, import_id, field, value)
); -- citus:customer_id
create index customer_fills_import on customer_fills (import_id, customer_id);

-- Words by whose beginning a customer is found while the name is typed.
create table customer_terms (
	customer_id bigint not null references customers (customer_id),
	term        text not null,
	primary key (customer_id, term)
); -- citus:customer_id
create index customer_terms_term on customer_terms (term, customer_id);

create table customer_notes (
	customer_id        bigint not null references customers (customer_id),
	id                 bigint not null,
	body               text not null,
	author_id          bigint not null, -- 0: the program
	created_at         bigint not null,
	import_id          bigint,
	origin_customer_id bigint,
	primary key (customer_id, id)
); -- citus:customer_id

create table customer_calls (
	customer_id        bigint not null references customers (customer_id),
	id                 bigint not null,
	direction          text not null,   -- in, out
	outcome            text not null,   -- reached, no_answer, message, wrong_number
	body               text not null,
	author_id          bigint not null,
	called_at          bigint not null,
	created_at         bigint not null,
	import_id          bigint,
	origin_customer_id bigint,
	primary key (customer_id, id)
); -- citus:customer_id

create table customer_tags (
	customer_id        bigint not null references customers (customer_id),
	tag                text not null,   -- folded
	label              text not null,   -- as it was written
	author_id          bigint not null,
	created_at         bigint not null,
	import_id          bigint,
	origin_customer_id bigint,
	primary key (customer_id, tag)
); -- citus:customer_id
create index customer_tags_tag on customer_tags (tag, customer_id);

create table customer_tastes (
	customer_id        bigint not null references customers (customer_id),
	kind               text not null,   -- music, sport, hobby, food, cause
	taste              text not null,   -- folded
	label              text not null,
	author_id          bigint not null,
	created_at         bigint not null,
	import_id          bigint,
	origin_customer_id bigint,
	primary key (customer_id, kind, taste)
); -- citus:customer_id
create index customer_tastes_taste on customer_tastes (kind, taste, customer_id);

-- Days that come back every year. The 29th of February is kept as itself.
create table customer_dates (
	customer_id        bigint not null references customers (customer_id),
	kind               text not null,   -- birthday, name_day, anniversary
	label              text not null,   -- of an anniversary: what of; else empty
	month_day          text not null,   -- 05-17
	year               bigint,          -- null: not known
	created_at         bigint not null,
	import_id          bigint,
	origin_customer_id bigint,
	primary key (customer_id, kind, label)
); -- citus:customer_id
create index customer_dates_month_day on customer_dates (kind, month_day, customer_id);

create table customer_addresses (
	customer_id        bigint not null references customers (customer_id),
	id                 bigint not null,
	recipient          text not null,   -- empty: the customer
	street             text not null,   -- one or several lines
	city               text not null,
	region             text not null,
	postcode           text not null,
	country            text not null,
	created_at         bigint not null,
	import_id          bigint,
	origin_customer_id bigint,
	primary key (customer_id, id)
); -- citus:customer_id

-- Every yes and no with its proof. Rows are only ever added.
create table customer_consent_log (
	customer_id        bigint not null references customers (customer_id),
	id                 bigint not null,
	channel            text not null,   -- email, sms, post, phone, profiling
	given              boolean not null,
	decided_at         bigint not null,
	place              text not null,   -- where: a page's address, the till, a form
	words              text not null,   -- what the person agreed to, word for word
	source             text not null,
	author_id          bigint not null, -- who wrote it down; 0: the person alone
	created_at         bigint not null,
	import_id          bigint,
	origin_customer_id bigint,
	primary key (customer_id, id)
); -- citus:customer_id

-- The last word of customer_consent_log a channel: what sending asks.
create table customer_consents (
	customer_id bigint not null references customers (customer_id),
	channel     text not null,
	given       boolean not null,
	decided_at  bigint not null,
	log_id      bigint not null,
	primary key (customer_id, channel)
); -- citus:customer_id
create index customer_consents_channel on customer_consents (channel, given, customer_id);

-- Merges, the undone ones too. customer_id is the one that lives on.
create table customer_merges (
	customer_id        bigint not null references customers (customer_id),
	id                 bigint not null,
	other_id           bigint not null,
	merged_at          bigint not null,
	merged_by          bigint not null,
	undone_at          bigint,
	undone_by          bigint,
	origin_customer_id bigint,
	primary key (customer_id, id)
); -- citus:customer_id

-- What a merge could not leave in its place, so that it can be put back:
-- the survivor as it was, and rows of the other that the survivor had too.
create table customer_merged_rows (
	customer_id        bigint not null references customers (customer_id),
	merge_id           bigint not null,
	position           bigint not null,
	table_name         text not null,
	made               boolean not null, -- of a sum: the survivor had no row of its own
	kept               jsonb not null,
	origin_customer_id bigint,
	primary key (customer_id, merge_id, position)
); -- citus:customer_id

-- Pairs that look like one person. customer_id is the older of the two.
create table customer_duplicates (
	customer_id  bigint not null references customers (customer_id),
	other_id     bigint not null,
	score        double precision not null, -- 0 to 1
	reasons      text not null,             -- names of what agrees: phone,name,city
	found_at     bigint not null,
	dismissed_at bigint,                    -- a person said: these are two
	dismissed_by bigint not null,
	primary key (customer_id, other_id)
); -- citus:customer_id
create index customer_duplicates_score on customer_duplicates (score, customer_id, other_id) where dismissed_at is null;

-- Who was erased: nothing of the person, so that it can be done again to a
-- database restored from an older backup.
create table customer_erasures (
	customer_id bigint not null references customers (customer_id) primary key,
	erased_at   bigint not null,
	erased_by   bigint not null
); -- citus:customer_id
