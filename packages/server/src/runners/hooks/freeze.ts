import { AppError } from '../../errors.ts'
import { containerLabels } from '../delegation-work.ts'
import { checkMounts } from '../check-mounts.ts'
import type { RunDefinition } from '../define-run.ts'
import type { HookDeps } from './deps.ts'
import type { RunningJob } from './find-hooked.ts'

type Mounts = RunDefinition['mounts']
type AskedMount = { source: string; target: string; readOnly?: boolean }

/**
 * Resolves mounts and has them mounted while nothing of the job runs: else a job that may write below an
 * allowed directory could put a link to anywhere in its place between the two.
 */
export async function withFrozenMounts<T>(
  deps: Pick<HookDeps, 'host' | 'owner' | 'log' | 'inTurn'>,
  input: { job: RunningJob; mounts: readonly AskedMount[] },
  mount: (mounts: Mounts) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const { job, mounts } = input
  if (mounts.length === 0) return mount([])
  return deps.inTurn(job.id, () => mountFrozen(deps, { job, mounts }, mount, signal))
}

async function mountFrozen<T>(
  deps: Pick<HookDeps, 'host' | 'owner' | 'log'>,
  { job, mounts }: { job: RunningJob; mounts: readonly AskedMount[] },
  mount: (mounts: Mounts) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const all = await deps.host.list(labelsOf(deps, job), signal)
  const running = all.filter(({ state, id }) => state === 'running' && id !== job.containerId)
  const paused: string[] = []
  try {
    for (const id of [job.containerId, ...running.map((each) => each.id)]) {
      paused.push(id)
      await deps.host.pause(id, signal).catch((error: unknown) => {
        if (!hasEnded(error) || id === job.containerId) throw error
      })
    }
    return await mount(await resolveMounts(job.run, mounts))
  } finally {
    await Promise.all(
      paused.map((id) =>
        deps.host
          .resume(id)
          .catch((err: unknown) => deps.log.warn({ err, container: id }, 'it stays paused')),
      ),
    )
  }
}

function hasEnded(error: unknown): boolean {
  const codes = ['resource_conflict', 'resource_not_found']
  return error instanceof AppError && codes.includes(error.code)
}

/** What mounts may be, resolved; an `invalid_request` names every problem. */
export async function resolveMounts(
  run: RunDefinition,
  mounts: readonly AskedMount[],
): Promise<Mounts> {
  const checked = await checkMounts(run.mountable, mounts)
  if (checked.problems.length > 0) {
    const problems = checked.problems.map(({ path, message }) => ({
      path: path.replace(/^\/container/, ''),
      message,
    }))
    const [first] = problems
    throw new AppError('invalid_request', `A mount is refused: ${first?.path} ${first?.message}`, {
      problems,
    })
  }
  return checked.mounts.map(({ source, target, readOnly = false }) => ({
    source,
    target,
    readOnly,
  }))
}

/** What all containers of a job have. */
export function labelsOf(
  { owner }: Pick<HookDeps, 'owner'>,
  { id }: { id: string },
): Record<string, string> {
  return { [containerLabels.owner]: owner, [containerLabels.delegation]: id }
}
