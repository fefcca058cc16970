import type { SlipwayEvent } from '@slipway/contract/events'
import type {
  PipelineEventData,
  PipelineEventName,
  SocketEvent,
} from '@slipway/contract/pipeline-socket'
import type { StoredEvent } from '../../events/index.ts'

/** Types of events that become frames. */
export const shownTypes = { exact: [], prefixes: ['workflow.'] }

/** The documented envelope of an event, as it goes to every client that may have it. */
export function frameOf<Name extends PipelineEventName>(
  event: Name,
  data: PipelineEventData<Name>,
  timestamp: string,
): Buffer {
  const frame: SocketEvent = { type: 'phase2.event', channel: 'pipelines', event, data, timestamp }
  return Buffer.from(JSON.stringify(frame))
}

/** The frames of an event of the outbox, in order; each is written once for all clients. */
export function toFrames({ json }: Pick<StoredEvent, 'json'>): Buffer[] {
  const event = JSON.parse(json) as SlipwayEvent
  const { timestamp } = event
  switch (event.event_type) {
    case 'workflow.run.started':
      return [frameOf('pipeline:started', aboutRun(event.data), timestamp)]
    case 'workflow.run.completed': {
      const { status, conclusion, duration_seconds: duration } = event.data
      const data = { ...aboutRun(event.data), status, conclusion, duration }
      return [frameOf('pipeline:completed', data, timestamp)]
    }
    case 'workflow.run.failed': {
      const { status, conclusion, duration_seconds: duration, error } = event.data
      const { failed_step: failedStep } = event.data
      const end = { status, conclusion, duration, error, failedStep }
      return [frameOf('pipeline:failed', { ...aboutRun(event.data), ...end }, timestamp)]
    }
    case 'workflow.job.updated': {
      const { repository, workflow_run_id: runId, job_id: jobId, steps } = event.data
      return steps.map(({ name, status, conclusion }) =>
        frameOf(
          'pipeline:step-update',
          {
            repository,
            runId,
            jobId,
            stepName: name,
            stepStatus: status,
            stepConclusion: conclusion,
          },
          timestamp,
        ),
      )
    }
    default:
      return []
  }
}

function aboutRun(data: {
  repository: string
  workflow: string
  branch: string
  workflow_run_id: number
  actor: string
}) {
  const { repository, workflow, branch, workflow_run_id: runId, actor } = data
  return { repository, workflow, branch, runId, actor }
}
