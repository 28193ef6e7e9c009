-- Answers to requests that carried an Idempotency-Key, kept for a day so that
-- a repeated request gets the same one. The answer itself is sealed.
create table api_answers (
	key_id      bigint not null, -- the API key
	idempotency text not null,   -- the hash of what the client sent as its key
	request     text not null,   -- the hash of method, address and body
	about_id    bigint not null, -- the customer of whom the answer tells; 0: nobody
	until_at    bigint not null, -- while it is worked on: when it is given up
	done        boolean not null, -- its effect is committed
	status      bigint not null, -- 0: not answered yet
	answer      bytea,           -- sealed headers and body
	created_at  bigint not null,
	primary key (key_id, idempotency)
); -- citus:local

create index api_answers_created on api_answers (created_at);
create index api_answers_about on api_answers (about_id) where about_id > 0;

-- What programs asked for, for those who look after them: no bodies, no
-- values, no personal data.
create table api_requests (
	id         bigint primary key,
	key_id     bigint not null,
	user_id    bigint not null, -- whose key it was
	at         bigint not null,
	method     text not null,
	route      text not null,   -- /api/v1/customers/{customer}, never what stood in the braces
	status     bigint not null,
	took       bigint not null, -- microseconds
	request_id text not null
); -- citus:local

create index api_requests_key on api_requests (key_id, id);
create index api_requests_user on api_requests (user_id, id);
create index api_requests_at on api_requests (at);
