import type { ArtifactJob } from '@slipway/contract/jobs'
import { type CommandConfig, stepCommand } from '@slipway/forge'
import { AppError } from '../../errors.ts'
import type { LogWriter } from '../../logs/index.ts'
import type { WorkerDeps } from '../deps.ts'
import { giveSecrets } from '../give-secrets.ts'
import { stepEnvironment } from '../step-environment.ts'
import type { TaskSecrets } from '../task-secrets.ts'
import type { Workspace } from '../workspace.ts'

/**
 * Runs a producer's command in a workspace, its output in the log. AppError `invalid_request` says why
 * it failed. Aborting `signal` stops it.
 */
export async function produce(
  deps: Pick<WorkerDeps, 'executor' | 'stepLimits' | 'secretsDirectory'>,
  input: {
    /** Unique among executions. */
    id: string
    job: ArtifactJob
    command: CommandConfig
    secrets: TaskSecrets
    workspace: Workspace
    writer: LogWriter
  },
  signal: AbortSignal,
): Promise<void> {
  const { id, job, command, secrets, workspace, writer } = input
  const given = await giveSecrets({
    folder: deps.secretsDirectory,
    id,
    wanted: command.secrets,
    secrets,
  })
  try {
    const execution = await deps.executor.start(
      {
        id,
        argv: stepCommand(command, { hasBash: workspace.hasBash && command.image === null }),
        workspace: workspace.directory,
        cwd: job.project_path,
        cache: workspace.cache,
        readOnly: [...workspace.borrowed, ...given.readOnly],
        env: {
          ...given.env,
          ...stepEnvironment(job, { ...command, name: job.artifact, needs: [] }),
        },
        network: command.network,
        image: command.image,
        limits: { ...deps.stepLimits, timeoutMs: command.timeoutMs },
      },
      { write: (chunk) => writer.write(chunk) },
    )
    const stop = () => execution.stop()
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    const end = await execution.done
    signal.removeEventListener('abort', stop)
    signal.throwIfAborted()
    if (end.outcome === 'exited' && end.exitCode === 0) return
    const why =
      end.outcome === 'exited' ? `exited with ${end.exitCode}` : (end.reason ?? end.outcome)
    throw new AppError('invalid_request', `The producer ${why}`)
  } finally {
    await given.remove()
  }
}
