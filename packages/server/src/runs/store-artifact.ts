import type { ArtifactType } from '@slipway/contract/releases'
import { v7 as uuid } from 'uuid'
import { transact } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import type { RunsDeps } from './deps.ts'
import { lockRun } from './run-rows.ts'
import { isActive } from './run-states.ts'

/** What became of one artifact: what it is, and where it can be had. */
export interface ProducedArtifact {
  name: string
  type: ArtifactType
  /** `…/[artifact]:sha-[commit_sha]` in the home registry. */
  trackingUri: string
  /** Of the tracking artifact's manifest, `sha256:…`. */
  trackingDigest: string
  /** A container's with its digest. */
  primaryUri: string
  /** Of the content: a container's manifest, or the file. `sha256:…`. */
  digest: string
  sizeBytes: number
  /** Every place, the home registry first. */
  published: readonly PublishedPlace[]
}

export interface PublishedPlace {
  /** Its name in the configuration; `home` for the home registry. */
  publisher: string
  type: string
  uri: string
  digest: string
}

/**
 * Stores what an artifact's task came to. A later attempt replaces what an earlier one stored. A
 * `resource_conflict` when the run has ended or another attempt has begun.
 */
export async function storeArtifact(
  deps: RunsDeps,
  input: { taskId: string; attempt: number; artifact: ProducedArtifact },
): Promise<void> {
  const { taskId, attempt, artifact } = input
  await transact(deps, async (unit) => {
    const run = await lockRun(unit.trx, { task: taskId })
    const task = await unit.trx
      .selectFrom('tasks')
      .select(['project_name', 'attempt', 'status'])
      .where('id', '=', taskId)
      .where('kind', '=', 'artifact')
      .where('artifact_name', '=', artifact.name)
      .executeTakeFirst()
    if (run === null || task === undefined) {
      throw new AppError('resource_not_found', `No task ${taskId} makes ${artifact.name}`)
    }
    if (!isActive(run.status) || task.attempt !== attempt || task.status !== 'running') {
      throw new AppError('resource_conflict', 'The task is no longer this worker’s')
    }
    const content = {
      task_id: taskId,
      repository: run.repository,
      type: artifact.type,
      commit_sha: run.commitSha,
      tracking_oci_uri: artifact.trackingUri,
      tracking_digest: artifact.trackingDigest,
      primary_published_uri: artifact.primaryUri,
      digest: artifact.digest,
      size_bytes: artifact.sizeBytes,
      published: JSON.stringify(artifact.published),
    }
    await unit.trx
      .insertInto('artifacts')
      .values({
        id: uuid(),
        run_id: run.id,
        project: task.project_name,
        name: artifact.name,
        ...content,
      })
      .onConflict((conflict) =>
        conflict.columns(['run_id', 'project', 'name']).doUpdateSet(content),
      )
      .execute()
  })
}
