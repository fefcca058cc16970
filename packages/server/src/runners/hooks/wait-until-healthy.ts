import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../errors.ts'
import type { FoundContainer } from '../../ports/container-host.ts'
import type { HookDeps, HookListener } from './deps.ts'
import type { PlannedService } from './plan-services.ts'

/** Milliseconds between two looks at what an image's own check says. */
const lookMs = 500
/** Bytes of what a failed service has written that are told. */
const toldBytes = 16 * 1024

/**
 * Waits until a service's check succeeds: that of its options, done here with its environment, else that
 * of its image. One without any is well as long as it runs. Rejects with what it has written when it has
 * ended, or its check has failed too often.
 */
export async function waitUntilHealthy(
  deps: Pick<HookDeps, 'host'>,
  input: {
    id: string
    service: PlannedService
    containerOfJob: string
    listener: HookListener
  },
  signal: AbortSignal,
): Promise<void> {
  const { service, listener } = input
  const [name] = service.request.names
  const { health } = service.options
  const isWell =
    health.isOff || health.command === null
      ? await watchImage(deps, input, { isOff: health.isOff }, signal)
      : await check(deps, input, health.command, signal)
  if (isWell) {
    await listener.say(`${name} is there`)
    return
  }
  await listener.say(`${name} has written:`)
  await tell(deps, input, signal)
  throw new AppError('invalid_request', `The service ${name} is not well`)
}

/** Its options' check, at its interval. */
async function check(
  { host }: Pick<HookDeps, 'host'>,
  { id, service }: { id: string; service: PlannedService },
  command: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { intervalMs, timeoutMs, startPeriodMs, retries } = service.options.health
  const startedAt = performance.now()
  for (let failures = 0; failures < retries;) {
    const late = AbortSignal.timeout(timeoutMs)
    const argv = ['sh', '-c', command] as const
    const { env = {} } = service.request
    try {
      const asked = { argv, env, workdir: null, user: null }
      const quiet = { write() {} }
      const { exitCode } = await host.exec(id, asked, quiet, AbortSignal.any([signal, late]))
      if (exitCode === 0) return true
    } catch (error) {
      signal.throwIfAborted()
      if (!(await isRunning(host, id, signal))) return false
      if (!late.aborted) throw error
    }
    if (performance.now() - startedAt >= startPeriodMs) failures += 1
    if (failures < retries) await sleep(intervalMs, undefined, { signal })
  }
  return false
}

/** What the image's own check says, if it has one. */
async function watchImage(
  { host }: Pick<HookDeps, 'host'>,
  { id }: { id: string },
  { isOff }: { isOff: boolean },
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    const found = await host.find(id, signal)
    if (found?.state !== 'running' || found.health === 'unhealthy') return false
    if (isOff || found.health !== 'starting') return true
    await sleep(lookMs, undefined, { signal })
  }
}

async function isRunning(
  host: HookDeps['host'],
  id: string,
  signal: AbortSignal,
): Promise<boolean> {
  const found: FoundContainer | null = await host.find(id, signal)
  return found?.state === 'running'
}

/** The end of what it has written; it is stopped for that. */
async function tell(
  { host }: Pick<HookDeps, 'host'>,
  { id, listener }: { id: string; listener: HookListener },
  signal: AbortSignal,
): Promise<void> {
  let kept = Buffer.alloc(0)
  await host.stop(id, 0)
  const sink = {
    write: (chunk: Buffer) => void (kept = Buffer.concat([kept, chunk]).subarray(-toldBytes)),
  }
  await host.follow(id, null, sink, signal)
  await listener.write(kept)
}
