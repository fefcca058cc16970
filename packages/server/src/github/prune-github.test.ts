import { randomUUID } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { createTestDatabase } from '../../../../test/support/database.ts'
import { quietLog } from '../../../../test/support/quiet-log.ts'
import { startPruning } from './prune-github.ts'

it('forgets what is old, and nothing else', async () => {
  const database = await createTestDatabase()
  const { db, pool } = database
  for (const days of [1, 29, 31, 89, 91]) {
    await pool.query(
      `insert into github_deliveries (delivery_id, body_sha256, event, status, received_at)
       values ($1, $2, 'ping', 'ignored', now() - $3::int * interval '1 day')`,
      [`${days}`, Buffer.of(days), days],
    )
    await pool.query(
      `insert into github_pull_requests (id, repository, number, title, author, head_ref,
         commit_sha, status, received_at)
       values ($1, 'acme/shop', $2, '', '', '', '', 'waiting', now() - $2::int * interval '1 day')`,
      [randomUUID(), days],
    )
    await pool.query(
      `insert into github_reports (repository, kind, subject, next_attempt_at, since)
       values ('acme/shop', 'commit', $1, now(), now() - $2::int * interval '1 day')`,
      [`${days}`, days],
    )
  }
  const pruning = startPruning({ db, log: quietLog, holder: randomUUID() })
  onTestFinished(async () => {
    await pruning.close()
    await database.close()
  })
  const kept = async () => {
    const { rows } = await pool.query<{ deliveries: string; pulls: number[]; reports: string }>(
      `select (select string_agg(delivery_id, ',' order by received_at desc) from github_deliveries) as deliveries,
              (select array_agg(number order by number) from github_pull_requests) as pulls,
              (select string_agg(subject, ',') from github_reports) as reports`,
    )
    return rows[0]
  }
  await expect.poll(kept).toEqual({ deliveries: '1,29', pulls: [1, 29, 31, 89], reports: '1' })
})
