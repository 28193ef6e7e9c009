-- The import that named two as one person: undoing it takes the suggestion away.
alter table customer_duplicates add column import_id bigint;
