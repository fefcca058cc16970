import { sql } from 'kysely'

/**
 * A table of one row for the FROM of a statement that is a transaction of its own: its commit does not
 * wait for the disk. What a crash of PostgreSQL takes back is done again, with the same message id: an
 * event's deliveries come before its reader's cursor in the log, and an attempt counts when it is made.
 * A crash of ours takes nothing back.
 */
export const commitLazily = sql`(select set_config('synchronous_commit', 'off', true)) as lazily`
