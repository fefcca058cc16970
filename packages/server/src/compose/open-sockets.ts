import type { Logger } from 'pino'
import type { Config } from '../config/read-config.ts'
import type { Listener } from '../http/listen.ts'
import { type BuildSocketsDeps, openBuildSockets } from '../realtime/builds/open-build-sockets.ts'
import { dispatchUpgrades, type UpgradeDispatcher } from '../realtime/dispatch-upgrades.ts'
import {
  type JobSockets,
  type JobSocketsDeps,
  openJobSockets,
} from '../realtime/jobs/open-job-sockets.ts'
import {
  openStatusSockets,
  type StatusSocketsDeps,
} from '../realtime/status/open-status-sockets.ts'
import type { Resources } from '../resources.ts'

/** The connections of socket.io; the application answers those that poll. */
export function openSocketIo(
  config: Config,
  log: Logger,
  opened: Omit<JobSocketsDeps, 'log' | 'publicUrl'>,
  resources: Resources,
): JobSockets {
  const { publicUrl } = config.http
  const sockets = openJobSockets({ ...opened, log, publicUrl }, config.sockets)
  return resources.add('socket.io', sockets, (each) => each.close())
}

/** Every socket there is, on every port. */
export function openSockets(
  config: Config,
  log: Logger,
  opened: Omit<StatusSocketsDeps & BuildSocketsDeps, 'log' | 'publicUrl' | 'anonymousStatus'> & {
    listener: Listener
    jobSockets: JobSockets
  },
  resources: Resources,
): UpgradeDispatcher {
  const { listener, jobSockets, ...deps } = opened
  const { publicUrl } = config.http
  const status = openStatusSockets({
    ...deps,
    log,
    publicUrl,
    anonymousStatus: config.status.anonymous,
  })
  const builds = openBuildSockets({ ...deps, log, publicUrl })
  const targets = [status, builds, jobSockets]
  return resources.add(
    'sockets',
    dispatchUpgrades({ log, servers: listener.servers, targets }, config.sockets),
    (dispatcher) => dispatcher.close(),
  )
}
