-- For how long each kind of personal data is kept. A kind without a row is
-- kept for good.
create table keeping_periods (
	kind    text primary key,
	days    bigint not null, -- 0: for good
	removed bigint not null, -- so far
	ran_at  bigint
); -- citus:local
