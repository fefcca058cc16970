import type { Logger } from 'pino'
import type { Config } from '../config/read-config.ts'
import type { Listener } from '../http/listen.ts'
import { dispatchUpgrades, type UpgradeDispatcher } from '../realtime/dispatch-upgrades.ts'
import {
  openStatusSockets,
  type StatusSocketsDeps,
} from '../realtime/status/open-status-sockets.ts'
import type { Resources } from '../resources.ts'

/** Every socket there is, on every port. */
export function openSockets(
  config: Config,
  log: Logger,
  opened: Omit<StatusSocketsDeps, 'log' | 'publicUrl' | 'anonymousStatus'> & {
    listener: Listener
  },
  resources: Resources,
): UpgradeDispatcher {
  const { listener, ...deps } = opened
  const { publicUrl } = config.http
  const status = openStatusSockets({
    ...deps,
    log,
    publicUrl,
    anonymousStatus: config.status.anonymous,
  })
  return resources.add(
    'sockets',
    dispatchUpgrades({ log, servers: listener.servers, targets: [status] }, config.sockets),
    (dispatcher) => dispatcher.close(),
  )
}
