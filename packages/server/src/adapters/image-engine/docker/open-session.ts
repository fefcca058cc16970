import { randomUUID } from 'node:crypto'
import { performServerHandshake, type ServerHttp2Stream } from 'node:http2'
import { type Docker, DockerRefusal } from '../../../docker/index.ts'

/** What BuildKit may ask its client during a build. Nothing else is there. */
const health = '/grpc.health.v1.Health/Check'
const credentials = '/moby.filesync.v1.Auth/Credentials'

/** A message of gRPC: not compressed, and its size. */
const grpcMessage = (content: readonly number[]) =>
  Buffer.from([0, 0, 0, 0, content.length, ...content])
const answers: Readonly<Record<string, Buffer>> = {
  // HealthCheckResponse with the status SERVING.
  [health]: grpcMessage([8, 1]),
  // CredentialsResponse without a user name or secret: images are pulled anonymously.
  [credentials]: grpcMessage([]),
}

/** Of gRPC: no such method. */
const unimplemented = '12'
const ok = '0'

/** What a build of BuildKit needs beside its own request, as long as it lasts. */
export interface BuildSession {
  id: string
  /** Repeating is harmless. */
  close(): void
}

/**
 * Opens the session without which BuildKit pulls no image: gRPC over HTTP/2 on a connection that the
 * engine takes over, with the engine as the client. It answers that it is alive and that there is no
 * credential, so no build gets at one. Null where the engine knows no sessions: it has no BuildKit.
 */
export async function openSession(
  docker: Docker,
  signal: AbortSignal,
): Promise<BuildSession | null> {
  const id = randomUUID()
  let socket
  try {
    socket = await docker.upgrade(
      {
        method: 'POST',
        path: '/session',
        protocol: 'h2c',
        headers: {
          'x-docker-expose-session-uuid': id,
          'x-docker-expose-session-name': 'slipway',
          'x-docker-expose-session-sharedkey': '',
          'x-docker-expose-session-grpc-method': credentials,
        },
      },
      signal,
    )
  } catch (error) {
    if (error instanceof DockerRefusal && [400, 404, 405, 501].includes(error.status)) return null
    throw error
  }
  const connection = socket
  // The build tells of a connection that breaks.
  connection.on('error', () => {})
  const session = performServerHandshake(connection)
  session.on('error', () => {})
  session.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => {})
    stream.resume()
    const answer = answers[String(headers[':path'])]
    const status = answer === undefined ? unimplemented : ok
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc' },
      { waitForTrailers: true },
    )
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }))
    stream.end(answer)
  })
  return {
    id,
    close() {
      session.destroy()
      connection.destroy()
    },
  }
}
