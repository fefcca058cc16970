-- What delegated jobs came to, for ever: they themselves are deleted after a while, and a counter only grows.

-- How far a delegation is counted here: 1: its start; 2: its end, too.
alter table delegations add column measured smallint not null default 0;

create index delegations_unmeasured on delegations (updated_at)
  where (measured = 0 and started_at is not null) or (measured < 2 and completed_at is not null);

create table delegation_figures (
  figure         text not null check (figure in ('ended', 'duration', 'queue', 'start')),
  -- The status of those that ended, the class of those that waited.
  label          text not null,
  -- In seconds, up to which it is counted here and not in a smaller one; of "ended" there is only the last.
  bucket         double precision not null,
  count          bigint not null,
  sum            double precision not null,
  primary key (figure, label, bucket)
);
