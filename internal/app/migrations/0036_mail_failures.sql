-- What a letter is about, and why it has not gone out yet.
alter table mail_letters add column about text not null default '';   -- usr_…; a later one takes its place
alter table mail_letters add column failure text not null default ''; -- the sentence of the last try; empty: none was made
alter table mail_letters add column failed_at bigint;
