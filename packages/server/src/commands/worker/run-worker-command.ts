import { ConfigError, readConfig } from '../../config/read-config.ts'
import { openLog } from '../../open-log.ts'
import { exitCodes } from './exit-codes.ts'
import { createOrders, type Order, type Orders } from './orders.ts'
import { runWorker } from './run-worker.ts'
import { superviseWorker } from './supervise-worker.ts'
import { asSettings, readWorkerOptions } from './worker-options.ts'

/** What this needs of the process that it is run in. */
interface Host {
  /** Whether it was started by a supervisor, whose orders come as messages. */
  readonly connected?: boolean
  on(event: 'SIGTERM' | 'SIGINT' | 'disconnect', listener: () => void): unknown
  on(event: 'message', listener: (message: unknown) => void): unknown
}

/**
 * `worker`: does jobs of a server elsewhere until it is told to end. Answers the exit code; a `UsageError` says
 * what is wrong with `args`.
 */
export async function runWorkerCommand(input: {
  args: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  version: string
  host: Host
  /** Program and arguments that run this command, to which its own arguments are added. */
  self: readonly [string, ...string[]]
  writeError: (text: string) => void
}): Promise<number> {
  const { args, env, version, host, self, writeError } = input
  const options = readWorkerOptions(args)
  const orders = createOrders()
  const kill = () => orders.current === 'kill'
  if (!options.unsupervised) {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) host.on(signal, () => orders.giveNext())
    const argv = [...self, ...args, '--unsupervised'] as [string, ...string[]]
    const log = openLog({ level: 'info' })
    const code = await superviseWorker({ log, orders }, { argv, env })
    return kill() ? exitCodes.failed : code
  }
  takeOrders(host, orders)
  try {
    const config = await readConfig({ ...env, ...asSettings(options) })
    const log = openLog({ level: config.logLevel })
    const killed = new Promise<number>((resolve) => {
      orders.follow((order) => order === 'kill' && resolve(exitCodes.failed))
    })
    return await Promise.race([runWorker(config, log, version, orders), killed])
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    writeError(`${error.message}\n`)
    return exitCodes.forGood
  }
}

/** From a supervisor, where there is one; when that is gone, nobody else starts this worker again. */
function takeOrders(host: Host, orders: Orders): void {
  const isSupervised = host.connected === true
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // Whoever ends all processes of a group has told the supervisor, too.
    host.on(signal, () => !isSupervised && orders.giveNext())
  }
  if (!isSupervised) return
  host.on('message', (message) => orders.give(message as Order))
  host.on('disconnect', () => orders.give('stop'))
}
