-- Which import told of a state, so that it can be undone.
alter table subscription_states add column import_id bigint;
create index subscription_states_import on subscription_states (import_id) where import_id is not null;
