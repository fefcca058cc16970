import type { EventFeed, StoredEvent } from '../../events/index.ts'
import type { MonitorDeps } from '../../monitor/index.ts'
import type { UpgradeTarget } from '../dispatch-upgrades.ts'
import { followEvents } from '../follow-events.ts'
import { createHandshakes, type HandshakesDeps } from '../shake-hands.ts'
import { type ClientLimits, createStatusClients } from './clients.ts'
import { type FiguresOptions, keepFigures } from './keep-figures.ts'
import { shownTypes, toFrames } from './to-frames.ts'

export interface StatusSocketsDeps extends HandshakesDeps {
  feed: EventFeed
  monitor: MonitorDeps
}

/**
 * The socket `/ws` of the status family: whoever may read pipelines is told of what happens in them, by
 * whichever server it was stored. A client that comes back has missed what happened meanwhile, and reads
 * the state from the API.
 */
export function openStatusSockets(
  deps: StatusSocketsDeps,
  options: ClientLimits & FiguresOptions = {},
): UpgradeTarget {
  const { log } = deps
  const handshakes = createHandshakes(deps, 'pipelines:read')
  const clients = createStatusClients({ log, onSubscribed: () => figures.wake() }, options)
  const figures = keepFigures({ ...deps, clients }, options)
  const closing = new AbortController()
  const following = followEvents(deps, shownTypes, publish, closing.signal)

  function publish(event: StoredEvent): void {
    const { repository } = event
    if (repository === null) return
    let frames: Buffer[] | undefined
    for (const view of clients.views()) {
      if (!view.sees(repository)) continue
      frames ??= toFrames(event)
      for (const frame of frames) clients.send(view.clients, frame)
    }
    figures.note(repository)
  }

  return {
    path: '/ws',
    async upgrade(upgrade) {
      const welcomed = await handshakes.shake(upgrade)
      if (welcomed !== null) clients.add(welcomed.socket, welcomed.admission)
    },
    async close() {
      closing.abort()
      await Promise.all([following, figures.close(), clients.close()])
    },
  }
}
