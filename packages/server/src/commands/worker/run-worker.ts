import type { Logger } from 'pino'
import { startRemoteWorker } from '../../compose/start-remote-worker.ts'
import type { Config } from '../../config/read-config.ts'
import { StartupError } from '../../errors.ts'
import { createResources } from '../../resources.ts'
import { exitCodes } from './exit-codes.ts'
import type { Order, Orders } from './orders.ts'

/**
 * Runs a worker until it is told to end or cannot go on, and answers the exit code. What it has in hand is
 * ended, given back or lost by then, as `orders` say.
 */
export async function runWorker(
  config: Config,
  log: Logger,
  version: string,
  orders: Orders,
): Promise<number> {
  const resources = createResources(log)
  const starting = new AbortController()
  const unfollow = orders.follow(() => starting.abort(new Error('told to end')))
  try {
    const worker = await startRemoteWorker(config, log, version, resources, starting.signal)
    const { id, types, isolation } = worker
    const url = config.worker.serverUrl
    log.info({ process: process.pid, worker_id: id, url, types, isolation, version }, 'working')
    await Promise.race([untilOrdered(orders, 'drain'), worker.drained, worker.broken])
    if (orders.current === 'stop') return exitCodes.ended
    log.info({ jobs: worker.active() }, 'draining: no new jobs are taken')
    await withinDrain(config, log, worker.drain(), orders)
    return exitCodes.ended
  } catch (error) {
    if (starting.signal.aborted && orders.current !== null) return exitCodes.ended
    if (!(error instanceof StartupError)) throw error
    log.error(error.message)
    return exitCodes.forGood
  } finally {
    unfollow()
    // What is still in hand is given back.
    await resources.close()
    log.info('stopped')
  }
}

async function withinDrain(
  config: Config,
  log: Logger,
  drained: Promise<void>,
  orders: Orders,
): Promise<void> {
  const { drainMs } = config.worker
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      log.warn({ ms: drainMs }, 'jobs that are not done by now are left to others')
      resolve()
    }, drainMs)
  })
  await Promise.race([drained, late, untilOrdered(orders, 'stop')])
  clearTimeout(timer)
}

function untilOrdered(orders: Orders, least: Exclude<Order, 'kill'>): Promise<void> {
  return new Promise((resolve) => {
    orders.follow((order) => {
      if (least === 'drain' || order !== 'drain') resolve()
    })
  })
}
