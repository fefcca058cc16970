import { eventSchemas, type EventType } from '@slipway/contract/events'
import { cell, code, fieldTable } from './describe-schema.ts'
import type { ApiSchema } from './read-contract.ts'
import { sampleOf } from './sample-of.ts'

/** What has happened, of each type. */
const meanings: Readonly<Record<EventType, string>> = {
  'pipeline.run.created': 'A run was created: by a push, a pull request, or somebody.',
  'pipeline.run.started': 'The run’s `.forge` files are read, and its phases are known.',
  'pipeline.run.completed': 'The run has ended, well or not.',
  'pipeline.run.failed': 'Follows `pipeline.run.completed` of a run that failed, and says where.',
  'pipeline.run.cancelled': 'The run was cancelled; comes instead of `pipeline.run.completed`.',
  'pipeline.phase.updated': 'A phase of a run is in another state.',
  'pipeline.task.updated': 'A project’s task in a phase is in another state.',
  'pipeline.step.updated': 'A step of a task is in another state.',
  'release.created': 'A release was made.',
  'release.aliased': 'A release got another name.',
  'release.unaliased': 'A release lost a name: it was deleted, or names another release now.',
  'approval.created': 'Somebody approved that a release goes to an environment.',
  'approval.revoked': 'An approval was withdrawn.',
  'deployment.created': 'A release’s manifests are committed to the GitOps repository.',
  'deployment.completed': 'The reconciler says that the deployment is active.',
  'deployment.failed':
    'The deployment was not reconciled in time, or cannot be; it stays pending, and may still become active.',
  'deployment.superseded': 'Another deployment took its place.',
  'webhook.disabled': 'The server turned a webhook off.',
  'workflow.run.started': 'A run of GitHub Actions was heard of before its end.',
  'workflow.run.completed': 'A run of GitHub Actions ended well.',
  'workflow.run.failed': 'A run of GitHub Actions failed, or was cancelled.',
  'workflow.job.updated': 'A job of GitHub Actions, or a step of it, is in another state.',
  'build.created': 'A build was created; it waits for a worker.',
  'build.started': 'An attempt at a build’s steps has begun.',
  'build.step.updated':
    'A step of a build is in another state, or has come further; at most once a second.',
  'build.completed': 'A build made what it should.',
  'build.failed': 'A build failed, or was cancelled.',
  'runner.job.delegated': 'A job of GitHub Actions was delegated to a container of ours.',
  'runner.job.updated': 'A delegated job is in another state.',
}

export function eventsPage(): string {
  const parts = Object.entries(eventSchemas).map(([type, event]) => {
    const schema = event as ApiSchema
    const data = schema.properties?.['data'] ?? {}
    const sample = sampleOf(schema, {})
    return `### ${type}

${meanings[type as EventType]}

${fieldTable(data, code)}

\`\`\`json
${JSON.stringify(sample, null, 2)}
\`\`\`
`
  })
  const rows = Object.keys(eventSchemas).map(
    (type) =>
      `| [${code(type)}](#${type.replaceAll(/[^\w-]/g, '')}) | ${cell(meanings[type as EventType])} |`,
  )
  return `# Types of events

Every event has the same envelope: \`event_type\`, \`timestamp\` and \`data\`. How to follow them is in
[Events](../events.md), how to have them sent in [Webhooks](../webhooks.md). More types and fields may come; a
reader ignores those that it does not know.

| Type | What has happened |
| --- | --- |
${rows.join('\n')}

## Payloads

${parts.join('\n')}`
}
