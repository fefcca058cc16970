-- Who else is told of events, what they were told, and what they answered.

create table webhooks (
  id           uuid primary key,
  url          text not null,
  -- Types, or prefixes that end in ".*"; null: every event.
  events       text[],
  -- The only repositories; null: every one, and events that belong to none.
  repositories text[],
  description  text,
  enabled      boolean not null default true,
  disabled_reason text,
  -- Sealed. The one before is signed with too, until its time is over.
  secret                bytea not null,
  previous_secret       bytea,
  previous_secret_until timestamptz,
  -- Deliveries that came to nothing since the last that was made, and since when none was.
  dead_in_row   integer not null default 0,
  failing_since timestamptz,
  created_by    text not null,
  created_at    timestamptz not null,
  updated_at    timestamptz not null
) with (fillfactor = 50);

-- A claim raises "attempt" and moves next_attempt_at behind the end of that attempt: whoever dies in
-- between has its delivery made by another.
create table webhook_deliveries (
  id           uuid primary key,
  -- Grows with every delivery: a list's cursor.
  number       bigint generated always as identity,
  webhook_id   uuid not null references webhooks on delete cascade,
  -- What the receiver knows it by: the same for every try and every redelivery.
  message_id   uuid not null,
  redelivery_of uuid,
  -- Number of the event; null: a test.
  event_seq    bigint,
  event_type   text not null,
  repository   text,
  body         text not null,
  status       text not null default 'pending' check (status in ('pending', 'delivered', 'dead')),
  attempt      integer not null default 0,
  next_attempt_at timestamptz,
  created_at   timestamptz not null,
  completed_at timestamptz,
  check ((status = 'pending') = (next_attempt_at is not null))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
-- An event that is read again is written once.
create unique index webhook_deliveries_once on webhook_deliveries (webhook_id, event_seq)
  where redelivery_of is null and event_seq is not null;
create index webhook_deliveries_due on webhook_deliveries (webhook_id, next_attempt_at)
  where status = 'pending';
create unique index webhook_deliveries_log on webhook_deliveries (webhook_id, number desc);
create index webhook_deliveries_log_of_status on webhook_deliveries (webhook_id, status, number desc);

-- Without an end: it is under way, or its server died.
create table webhook_attempts (
  delivery_id uuid not null references webhook_deliveries on delete cascade,
  attempt     integer not null,
  started_at  timestamptz not null,
  duration_ms integer,
  response_status  integer,
  -- The beginning of the answer's body.
  response_excerpt text,
  error       text,
  primary key (delivery_id, attempt)
);
