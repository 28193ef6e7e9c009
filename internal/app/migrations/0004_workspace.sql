-- The business's own settings: one row once they have been chosen.
create table workspace (
	id         bigint primary key, -- always 1
	name       text not null,
	colour     text not null,      -- #0f766e
	country    text not null,      -- GB
	zone       text not null,      -- Europe/London, fixed with the first data
	currency   text not null,      -- GBP, fixed with the first data
	languages  text not null,      -- en,cs: the first is the main one
	demo       boolean not null,
	version    bigint not null,
	changed_at bigint not null
); -- citus:reference
