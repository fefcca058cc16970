import { BuildFrame } from '@slipway/contract/build-socket'
import { JobMessage } from '@slipway/contract/job-socket'
import {
  pipelineEvents,
  SocketAnswer,
  SocketChannels,
  SocketMessage,
} from '@slipway/contract/pipeline-socket'
import { code, fieldTable, type LinkToType, namesIn } from './describe-schema.ts'
import type { ApiSchema } from './read-contract.ts'

/** `/ws`, the socket of a build and socket.io: every message of each. */
export function socketsPage(link: LinkToType): string {
  return `# Sockets

| Where | What |
| --- | --- |
| \`/ws\` | what GitHub Actions does: [explained](../status.md#live), [below](#pipelines-ws) |
| \`/api/pipelines/runs/{id}/ws\` | one build: [explained](../builds.md#follow-a-build), [below](#a-build-apipipelinesrunsidws) |
| \`/socket.io\` | delegated jobs, for clients of socket.io 4: [explained](../runners.md#as-it-happens), [below](#delegated-jobs-socketio) |
| \`GET /v1/events\` | everything, as Server-Sent Events: [explained](../events.md), [types](events.md) |

All of them take a token in the header \`Authorization: Bearer …\`, and a [ticket](../access.md#tickets) from pages in a
browser. Messages are JSON texts.

## Pipelines: \`/ws\`

### What a client says

${frames(SocketMessage, link)}

### What the server answers

${[SocketChannels, ...((SocketAnswer as ApiSchema).anyOf ?? [])]
  .map((answer) => frame(answer as ApiSchema, link))
  .join('\n\n')}

### What subscribers hear

\`{"type": "phase2.event", "channel": "pipelines", "event": …, "data": …, "timestamp": …}\`, with the \`data\` of each event:

${Object.entries(pipelineEvents)
  .map(([name, data]) => `#### ${name}\n\n${fieldTable(withoutNames(data as ApiSchema), link)}`)
  .join('\n\n')}

## A build: \`/api/pipelines/runs/{id}/ws\`

${frames(BuildFrame, link)}

## Delegated jobs: socket.io

A client emits \`subscribe:repository\` and \`unsubscribe:repository\` with a repository as owner/name. It hears
\`job:delegated\` and \`job:status\`, both with

${fieldTable(JobMessage, link)}

and \`error\` with \`code\`, as in [Errors](errors.md), \`error\`, a sentence for people, and \`event\` where it answers one. An
acknowledgement is called with \`{"success": true, "data": {"repository": …}}\`, or with
\`{"success": false, "code": …, "error": …}\`.
`
}

function frames(union: object, link: LinkToType): string {
  return ((union as ApiSchema).anyOf ?? []).map((each) => frame(each, link)).join('\n\n')
}

function frame(schema: ApiSchema, link: LinkToType): string {
  const type = schema.properties?.['type']
  const names = type?.const === undefined ? (type?.enum ?? []) : [type.const]
  const title = names.map((name) => code(String(name))).join(', ')
  return `**${title}**\n\n${fieldTable(withoutNames(schema), link)}`
}

/** Schemas that have a name are references to it, and a build's own fields are not repeated. */
function withoutNames(schema: ApiSchema): ApiSchema {
  const properties = Object.entries(schema.properties ?? {}).map(([name, field]) => {
    if (name === 'pipeline_run') return [name, refer('Build', 'The build, without its log.')]
    const named = field as ApiSchema & { $id?: string }
    return [name, named.$id === undefined ? field : refer(named.$id)]
  })
  return { ...schema, properties: Object.fromEntries(properties) as Record<string, ApiSchema> }
}

function refer(name: string, description?: string): ApiSchema {
  const reference = { $ref: `#/components/schemas/${name}` }
  if (namesIn(reference).length !== 1) throw new Error(`${name} is no name`)
  return { ...reference, ...(description === undefined ? {} : { description }) }
}
