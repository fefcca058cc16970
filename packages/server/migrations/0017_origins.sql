-- What a row comes from: the trace and the request that caused it, as correlation.ts writes them. Nullable
-- and without a default: nothing is rewritten, and what has no origin costs nothing.
alter table jobs add column origin text;
alter table job_history add column origin text;
alter table events add column origin text;
alter table webhook_deliveries add column origin text;
alter table github_reports add column origin text;
alter table deployments add column origin text;
