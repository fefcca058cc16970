import { randomUUID } from 'node:crypto'
import { basename, dirname } from 'node:path'
import type { EndedCommand, RunStepContainerRequest } from '@slipway/contract/runner-hooks'
import { AppError } from '../../errors.ts'
import type { Principal } from '../../ports/identity.ts'
import { tighten } from '../define-run.ts'
import { parseOptions } from '../parse-options.ts'
import { bringImage, requireAllowed } from './bring-image.ts'
import { commandOf } from './command-of.ts'
import type { HookDeps, HookListener, HookWork } from './deps.ts'
import { findRunning, type RunningJob } from './find-hooked.ts'
import { labelsOf, resolveMounts, withFrozenMounts } from './freeze.ts'
import { keepTouched } from './keep-touched.ts'

/**
 * Runs an action that is a container: in the network of the job, with its own file system and limits, and
 * removed whatever becomes of it. Its environment is in no configuration: the container idles, and the
 * action is a command in it.
 */
export async function runStepContainer(
  deps: HookDeps,
  input: { principal: Principal; id: string; request: RunStepContainerRequest },
): Promise<HookWork<EndedCommand>> {
  const { request } = input
  const job = await findRunning(deps, input)
  const { options, problems } = parseOptions(request.options ?? '', 'step')
  if ((request.image === undefined) === (request.dockerfile === undefined)) {
    problems.push('either an image or a dockerfile is needed')
  }
  if (problems.length > 0) {
    throw new AppError('invalid_request', `The container is refused: ${problems.join('; ')}`)
  }
  if (request.image !== undefined) requireAllowed(job.run, request.image)
  else requireAnyImage(job)
  await resolveMounts(job.run, request.mounts ?? [])
  return (listener, signal) =>
    keepTouched(deps, input.id, () =>
      withImage(deps, { job, request, listener }, signal, async (image) => {
        const { env = {}, workdir = null, prependPath = [] } = request
        const argv = await commandOf(deps, { image, asked: request }, signal)
        const limits = tighten(job.run.limits, options)
        const { user } = options
        const started = { job, image, mounts: request.mounts ?? [], user, limits }
        const id = await startIdle(deps, started, signal)
        try {
          const directory = workdir ?? options.workdir
          const command = { argv, env, prependPath, workdir: directory, user: null }
          return await deps.host.exec(id, command, listener, signal)
        } finally {
          await remove(deps, id)
        }
      }),
    )
}

async function startIdle(
  deps: HookDeps,
  input: {
    job: RunningJob
    image: string
    mounts: NonNullable<RunStepContainerRequest['mounts']>
    user: string | null
    limits: RunningJob['run']['limits']
  },
  signal: AbortSignal,
): Promise<string> {
  const { job, image, mounts, user, limits } = input
  const found = await deps.host.find(job.containerId, signal)
  if (found?.state !== 'running') {
    throw new AppError('resource_conflict', 'The container of the job has ended')
  }
  return withFrozenMounts(
    deps,
    { job, mounts },
    async (resolved) => {
      const id = await deps.host.create(
        {
          image,
          command: null,
          env: {},
          labels: labelsOf(deps, job),
          workdir: null,
          user,
          mounts: resolved,
          network: found.network,
          idle: true,
          limits,
        },
        signal,
      )
      try {
        await deps.host.start(id, { env: {} }, signal)
        return id
      } catch (error) {
        await remove(deps, id)
        throw error
      }
    },
    signal,
  )
}

/** An image that is there, pulled or built for this step alone. */
async function withImage<T>(
  deps: HookDeps,
  input: { job: RunningJob; request: RunStepContainerRequest; listener: HookListener },
  signal: AbortSignal,
  use: (image: string) => Promise<T>,
): Promise<T> {
  const { job, request, listener } = input
  const { image, dockerfile, registry } = request
  if (image !== undefined) {
    if (registry !== undefined) await bringImage(deps, { image, registry, listener }, signal)
    return use(image)
  }
  const name = `slipway-step:${randomUUID()}`
  try {
    await build(deps, { job, dockerfile: dockerfile ?? '', name, listener }, signal)
    return await use(name)
  } finally {
    await deps.images
      .remove(name)
      .catch((err: unknown) => deps.log.warn({ err, image: name }, 'an image was not removed'))
  }
}

async function build(
  deps: HookDeps,
  input: { job: RunningJob; dockerfile: string; name: string; listener: HookListener },
  signal: AbortSignal,
): Promise<void> {
  const { job, dockerfile, name, listener } = input
  await listener.say(`Building ${dockerfile}`)
  // A tree that is read must be one that could be mounted, and stay what it is meanwhile.
  const asked = [{ source: dirname(dockerfile), target: '/context', readOnly: true }]
  await withFrozenMounts(
    deps,
    { job, mounts: asked },
    async ([mount]) => {
      const directory = mount?.source ?? ''
      const packed = { directory, dockerfile: basename(dockerfile), network: deps.buildNetwork }
      await deps.images.build(
        {
          context: await deps.packDirectory(packed, signal),
          dockerfile: packed.dockerfile,
          image: name,
          labels: labelsOf(deps, job),
          args: {},
          platform: null,
          network: deps.buildNetwork,
        },
        { write: (chunk) => listener.write(chunk), progress() {} },
        signal,
      )
    },
    signal,
  )
}

async function remove({ host, log }: HookDeps, id: string): Promise<void> {
  try {
    await host.remove(id)
  } catch (err) {
    log.warn({ err, container: id }, 'the container of a step was not removed')
  }
}

/** What a Dockerfile begins with is any image. */
function requireAnyImage({ run }: RunningJob): void {
  if (run.images.includes('*')) return
  throw new AppError(
    'invalid_request',
    'The runner class allows no actions with a Dockerfile: their images may be any (*)',
  )
}
