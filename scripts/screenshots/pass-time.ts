import pg from 'pg'

/** What has a date that somebody sees, by table. */
const dates: Record<string, readonly string[]> = {
  approvals: ['approved_at'],
  artifacts: ['created_at'],
  audit_log: ['at'],
  branding_templates: ['created_at', 'updated_at'],
  build_outputs: ['created_at'],
  build_steps: ['started_at', 'completed_at'],
  builds: ['started_at', 'executed_at', 'completed_at'],
  configurations: ['created_at', 'updated_at'],
  container_registries: ['created_at', 'updated_at', 'verified_at'],
  credentials: ['created_at', 'updated_at'],
  delegations: [
    'queued_at',
    'created_at',
    'assigned_at',
    'started_at',
    'completed_at',
    'updated_at',
  ],
  deployments: ['created_at', 'deployed_at', 'activated_at', 'failed_at', 'superseded_at'],
  events: ['occurred_at'],
  phases: ['started_at', 'completed_at'],
  releases: ['created_at'],
  repositories: ['created_at', 'updated_at', 'verified_at'],
  runs: ['started_at', 'completed_at'],
  secrets: ['created_at', 'updated_at'],
  steps: ['started_at', 'completed_at'],
  tasks: ['started_at', 'completed_at'],
  tokens: ['created_at', 'last_used_at'],
  webhook_attempts: ['started_at'],
  webhook_deliveries: ['created_at', 'completed_at'],
  webhooks: ['created_at', 'updated_at'],
}

/** The run that a row of a table belongs to, whose dates grow further apart. */
const ofRun: Record<string, string> = {
  steps:
    'tasks k join phases p on p.id = k.phase_id join runs r on r.id = p.run_id where k.id = t.task_id',
  tasks: 'phases p join runs r on r.id = p.run_id where p.id = t.phase_id',
  phases: 'runs r where r.id = t.run_id',
  runs: 'runs r where r.id = t.id',
}
/** A second of these runs stands for so many. */
const slower = 45

/**
 * Makes everything so far happen `minutes` (at least ten) earlier, and the runs since last time take as long
 * as those of a company do: a server that is a minute old has a past.
 */
export async function passTime(databaseUrl: string, minutes: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl, database: 'slipway' })
  await client.connect()
  try {
    await client.query('begin')
    // Past dates are nobody's business but ours: no trigger looks at them.
    await client.query('set local session_replication_role = replica')
    for (const [table, from] of Object.entries(ofRun)) {
      const later = (column: string) =>
        `${column} = r.started_at + ${slower} * (t.${column} - r.started_at)`
      const sets = (table === 'runs' ? ['completed_at'] : ['started_at', 'completed_at']).map(later)
      await client.query(
        `update ${table} t set ${sets.join(', ')} from ${from}
         and r.completed_at is not null and r.started_at > now() - interval '3 minutes'`,
      )
    }
    // Jobs of machines elsewhere wait for seconds and run for minutes.
    await client.query(
      `update delegations set
         started_at = started_at + interval '21 seconds',
         completed_at = completed_at + interval '1 minute'
           * (2 + length(job_name) % 7 + random())
       where completed_at is not null and created_at > now() - interval '3 minutes'`,
    )
    for (const [table, columns] of Object.entries(dates)) {
      const sets = columns.map((column) => `${column} = ${column} - $1 * interval '1 minute'`)
      await client.query(`update ${table} set ${sets.join(', ')}`, [minutes])
    }
    await client.query('commit')
  } finally {
    await client.end()
  }
}
