-- Keys made before there was sealing are sealed at their next use.
alter table user_secrets add column sealed boolean not null default false;
