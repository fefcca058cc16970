import type { Logger } from 'pino'
import type { Config } from '../config/read-config.ts'
import type { Listener } from '../http/listen.ts'
import { type BuildSocketsDeps, openBuildSockets } from '../realtime/builds/open-build-sockets.ts'
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
  opened: Omit<StatusSocketsDeps & BuildSocketsDeps, 'log' | 'publicUrl' | 'anonymousStatus'> & {
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
  const builds = openBuildSockets({ ...deps, log, publicUrl })
  const targets = [status, builds]
  return resources.add(
    'sockets',
    dispatchUpgrades({ log, servers: listener.servers, targets }, config.sockets),
    (dispatcher) => dispatcher.close(),
  )
}
