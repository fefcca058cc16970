import { type BuildApiError, buildErrorTypes } from '@slipway/contract/build-errors'
import type { RawData, WebSocket } from 'ws'
import { type BuildWithoutLog, findBuildState, openBuildLog } from '../../builds/index.ts'
import type { EventFeed } from '../../events/index.ts'
import type { LogStore } from '../../logs/index.ts'
import type { Principal } from '../../ports/identity.ts'
import type { Admission } from '../authenticate-socket.ts'
import { closeSocket } from '../close-socket.ts'
import { pathOf, type Upgrade, type UpgradeTarget } from '../dispatch-upgrades.ts'
import { keepSockets, type SocketLimits } from '../keep-sockets.ts'
import type { RefusalStatus } from '../refuse-upgrade.ts'
import { createHandshakes, type HandshakesDeps, type Objection } from '../shake-hands.ts'
import { followBuild } from './follow-build.ts'
import { openLiveLines } from './live-lines.ts'
import { paceFrames, type PaceLimits, type SendFrames } from './pace-frames.ts'
import { watchBuilds } from './watch-builds.ts'

export interface BuildSocketsDeps extends Omit<HandshakesDeps, 'anonymousStatus'> {
  feed: EventFeed
  logs: LogStore
}

/** What is looked at for everybody, each of whom was found to see the build. */
const everybody: Principal = { id: 'sockets', name: 'sockets', roles: [], repositories: null }

const path = /^\/api\/pipelines\/runs\/(\d{1,10})\/ws$/
const greatestId = 2_147_483_647

const errorTypes: Record<RefusalStatus, string> = {
  400: buildErrorTypes.invalid_request,
  401: buildErrorTypes.authentication_failed,
  403: buildErrorTypes.authorization_failed,
  404: buildErrorTypes.resource_not_found,
  503: buildErrorTypes.unavailable,
}
const toBody = (status: RefusalStatus, message: string): BuildApiError => ({
  error: errorTypes[status],
  message,
})

/**
 * The sockets `/api/pipelines/runs/{id}/ws`: whoever may see a build is told its state and its lines so far,
 * then what follows, and is closed with 1000 when it has ended. A client that was cut comes back with
 * `?after=` the last line it has.
 */
export function openBuildSockets(
  deps: BuildSocketsDeps,
  limits: PaceLimits & SocketLimits = {},
): UpgradeTarget {
  const { log, feed } = deps
  const handshakes = createHandshakes({ ...deps, anonymousStatus: false }, 'builds:read', toBody)
  const sockets = keepSockets({ log }, limits)
  const read = (id: number) => findBuildState(deps, { principal: everybody, id })
  const live = openLiveLines()
  const watching = watchBuilds({ feed, log, read })
  const conversations = new Set<Promise<void>>()

  async function object(
    { principal }: Admission,
    { buildId, after }: Asked,
  ): Promise<Objection | null> {
    if (after === null) {
      return { status: 400, details: 'after is a line’s number: a whole number, 0 or greater' }
    }
    const build =
      buildId > greatestId ? null : await findBuildState(deps, { principal, id: buildId })
    return build === null ? { status: 404, details: `There is no pipeline run ${buildId}` } : null
  }

  async function converse(socket: WebSocket, { buildId, after }: Asked): Promise<void> {
    const gone = new AbortController()
    socket.once('close', () => gone.abort())
    if (socket.readyState !== socket.OPEN) return
    const send = paceFrames({ socket, log }, limits)
    const watched = watching.watch(buildId)
    const openLog = ({ id, started_at }: BuildWithoutLog) =>
      openBuildLog(deps, { id, startedAt: new Date(started_at) })
    try {
      const ended = await followBuild(
        { watched, live, openLog, send },
        { after: after ?? 0 },
        gone.signal,
      )
      if (ended !== null) closeSocket(socket, 1000, ended.status)
      else closeSocket(socket, 1011, 'The build is gone')
    } catch (error) {
      log.warn({ err: error, build_id: buildId }, 'A build could not be followed')
      closeSocket(socket, 1011, 'The build cannot be followed at the moment')
    } finally {
      watched.release()
    }
  }

  return {
    path,
    async upgrade(upgrade) {
      const asked = readAsked(upgrade)
      const welcomed = await handshakes.shake(upgrade, (admission) => object(admission, asked))
      if (welcomed === null) return
      const { socket, admission } = welcomed
      const kept = sockets.add(socket, admission)
      if (kept === null) return
      const answer = paceFrames({ socket, log }, limits)
      socket.on('message', (data) => {
        if (socket.readyState === socket.OPEN && kept.mayTalk()) answerPing(data, answer)
      })
      const conversation = converse(socket, asked).finally(() => conversations.delete(conversation))
      conversations.add(conversation)
    },
    async close() {
      await sockets.close()
      await Promise.all([...conversations, watching.close()])
    },
  }
}

interface Asked {
  buildId: number
  /** The last line that the client has; null: what it says is no number. */
  after: number | null
}

function readAsked({ request }: Upgrade): Asked {
  const buildId = Number(path.exec(pathOf(request))?.[1])
  const after = new URLSearchParams(request.url?.split('?', 2)[1] ?? '').get('after') ?? '0'
  return { buildId, after: /^\d{1,15}$/.test(after) ? Number(after) : null }
}

function answerPing(data: RawData, send: SendFrames): void {
  // ws gives one Buffer, unless it is told otherwise.
  const text = Buffer.isBuffer(data) ? data.toString() : ''
  if (/^\s*\{\s*"type"\s*:\s*"ping"\s*\}\s*$/.test(text)) void send(['{"type":"pong"}'])
}
