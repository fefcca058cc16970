-- Workers of other machines: whose they are, and whether they are to take more.

alter table workers
  -- Id of the token that registered it and alone may act in its name; null: it is a server's own.
  add column principal      text,
  -- Name of that token, for people.
  add column principal_name text,
  add column version        text,
  -- It is given no new jobs.
  add column draining       boolean not null default false;

-- Where a delegation's container runs: the data directory of the worker that started it. Another worker
-- would not find it, and leaves it to that one for a while.
alter table delegations
  add column home       text,
  add column sought_at  timestamptz;
