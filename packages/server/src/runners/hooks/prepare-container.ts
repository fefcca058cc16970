import type {
  PreparedJobContainer,
  PrepareJobContainerRequest,
  PulledJobImage,
  PullJobImageRequest,
} from '@slipway/contract/runner-hooks'
import { requireVisible } from '../../access/index.ts'
import { AppError } from '../../errors.ts'
import type { Principal } from '../../ports/identity.ts'
import { bringImage, requireAllowedFor } from './bring-image.ts'
import type { HookDeps, HookWork } from './deps.ts'
import { findHooked } from './find-hooked.ts'
import { keepTouched } from './keep-touched.ts'
import { planServices } from './plan-services.ts'
import { startServices } from './start-services.ts'
import { waitUntilRunning } from './wait-until-running.ts'

/** Milliseconds within which a job has its container and its services; an image may be large. */
const preparationMs = 30 * 60_000
const alpineScript = 'grep -qiE \'^ID="?alpine"?$\' /etc/os-release'

/** Brings the image of a job that is about to be delegated, as somebody who may have it. */
export function pullJobImage(
  deps: HookDeps,
  input: { principal: Principal; request: PullJobImageRequest },
): HookWork<PulledJobImage> {
  const { repository, labels, image, registry } = input.request
  requireVisible(input.principal, repository)
  requireAllowedFor(deps, { repository, labels, image })
  return async (listener, signal) => {
    await bringImage(deps, { image, registry, listener }, signal)
    return { image }
  }
}

/**
 * Waits for the container of a job and starts its services beside it. Repeating it would start them again:
 * what fails is to be removed.
 */
export async function prepareJobContainer(
  deps: HookDeps,
  input: { principal: Principal; id: string; request: PrepareJobContainerRequest },
): Promise<HookWork<PreparedJobContainer>> {
  const { principal, id } = input
  await findHooked(deps, input)
  const services = planServices(input.request.services ?? [])
  return (listener, asked) =>
    keepTouched(deps, id, async () => {
      const late = AbortSignal.timeout(preparationMs)
      const signal = AbortSignal.any([asked, late])
      try {
        const job = await waitUntilRunning(deps, { principal, id, listener }, signal)
        const found = await deps.host.find(job.containerId, signal)
        if (found?.state !== 'running') {
          throw new AppError('resource_conflict', 'The container of the job has ended')
        }
        const { network } = found
        const started = await startServices(deps, { job, network, services, listener }, signal)
        const argv = ['sh', '-c', alpineScript] as const
        const command = { argv, env: {}, workdir: null, user: null }
        const { exitCode } = await deps.host.exec(found.id, command, { write() {} }, signal)
        const isAlpine = exitCode === 0
        return { container: { id: found.id, network }, services: started, isAlpine }
      } catch (error) {
        if (!late.aborted || asked.aborted) throw error
        throw new AppError('unavailable', 'The job had no container within half an hour')
      }
    })
}
