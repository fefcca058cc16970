import type { Readable } from 'node:stream'
import type { Dispatch } from '@slipway/contract/dispatches'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import type { OrchestrationDeps } from './deps.ts'
import { makeResult } from './make-result.ts'
import { describeDispatch, type DispatchRow, readDispatchRow } from './read-dispatch.ts'

/** Bytes of a result above which an answer only refers to it (API & Operations Reference, "Result Handling"). */
const inlineBytes = 1_000_000

/**
 * How a dispatch stands, with what it came to where it has ended. A result of more than 1 MB is put into the
 * object store, and referred to: `resultUrl` makes the link.
 */
export async function answerDispatch(
  deps: Pick<OrchestrationDeps, 'db' | 'objects'>,
  row: DispatchRow,
  resultUrl: (dispatch: { runId: string; id: string }) => string,
): Promise<Dispatch> {
  const dispatch = describeDispatch(row, new Date())
  if (dispatch.status === 'running') return dispatch
  const result = await makeResult(deps, row, dispatch.status)
  const body = Buffer.from(JSON.stringify(result))
  if (body.length <= inlineBytes) return { ...dispatch, result }
  const key = resultKey(row)
  // What has ended does not change any more, so neither does its result.
  if ((await deps.objects.head(key)) === null) {
    await deps.objects.put(key, body, { contentType: 'application/json' })
  }
  const url = resultUrl({ runId: row.run_id, id: row.id })
  return { ...dispatch, result_reference: { key, url, size_bytes: body.length } }
}

/**
 * A result as JSON, large or not. `resource_conflict` where the stage has not ended.
 */
export async function openResult(
  deps: Pick<OrchestrationDeps, 'db' | 'objects'>,
  input: { principal: Principal; runId: string; id: string },
): Promise<Readable | Buffer> {
  const row = await readDispatchRow(deps, input)
  const { status } = describeDispatch(row, new Date())
  if (status === 'running') {
    throw new AppError('resource_conflict', `The stage ${row.stage} has not ended yet`)
  }
  const stored = await deps.objects.get(resultKey(row))
  return stored ?? Buffer.from(JSON.stringify(await makeResult(deps, row, status)))
}

/** `pipeline-runs/{run_id}/results/{job_type}/{job_id}.json` ("Result Storage Pattern"). */
function resultKey({ run_id, id }: DispatchRow): string {
  return `pipeline-runs/${run_id}/results/dispatch/${id}.json`
}
