-- What full-text search looks through: one row a run or release, one for each stretch of a log.
create table search_documents (
  id         bigint generated always as identity primary key,
  kind       text not null check (kind in ('run', 'release', 'log')),
  repository text not null,
  run_id     uuid references runs on delete cascade,
  release_id uuid references releases on delete cascade,
  step_id    uuid references steps on delete cascade,
  -- Of a log: its key, and the lines that these words are from.
  log_key    text,
  first_line integer,
  line_count integer,
  at         timestamptz not null,
  words      tsvector not null
);
create index search_documents_words on search_documents using gin (words);
create unique index search_documents_run on search_documents (run_id) where kind = 'run';
create unique index search_documents_release on search_documents (release_id) where release_id is not null;
create index search_documents_of_run on search_documents (run_id, log_key) where run_id is not null;
create index search_documents_step on search_documents (step_id) where step_id is not null;
