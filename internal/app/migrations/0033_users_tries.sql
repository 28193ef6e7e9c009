-- Tries to sign in get an end of their own: those of an account from one
-- address are soon forgotten, those from everywhere after a day. What was
-- counted until now is forgotten.
drop table sign_in_tries;

create table sign_in_tries (
	key      text primary key,  -- a hash: the table names nobody
	tries    bigint not null,
	tried_at bigint not null,   -- the first; where pauses grow, the last
	ends_at  bigint not null    -- forgotten then
); -- citus:local
create index sign_in_tries_ends on sign_in_tries (ends_at);
