import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AccessQuestion, type AccessRule, isAllowed, readRoles } from './access-rules.ts'
import { StatusError } from './cluster-object.ts'
import { type ClusterStore, createClusterStore } from './cluster-store.ts'
import { makeCertificates } from './make-certificates.ts'
import type { ResourceType } from './resource-type.ts'
import { type ApiRequest, parseRequest, type ServePart, serveRequest } from './serve-api.ts'

export interface ClusterOptions {
  resources: readonly ResourceType[]
  /** YAML files whose Roles are what its client may do; nothing else is allowed. */
  roles: readonly string[]
  /** By resource and part, such as `pods/log`. */
  parts?: Readonly<Record<string, ServePart>>
}

/** What becomes of a request instead of its answer: refused, or its connection broken off. */
export type Fault = (asked: ApiRequest) => StatusError | 'cut' | null

export interface Cluster {
  readonly url: string
  /** The one namespace that its client has rights in. */
  readonly namespace: string
  readonly caFile: string
  /** File with the address, the authority and a token. */
  readonly kubeconfig: string
  /** A directory with `token`, `ca.crt` and `namespace`, as pods have it. */
  readonly account: string
  readonly store: ClusterStore
  /** Everything that was allowed, as `verb resource`, each once. */
  readonly used: ReadonlySet<string>
  readonly rules: readonly AccessRule[]
  /** Requests so far, of whatever outcome, as `verb resource`. */
  readonly asked: string[]
  /** Puts a new token in place; the one before is refused from now on. */
  rotateToken(): Promise<void>
  /** Until it is taken back. */
  fault(fault: Fault): () => void
  /** Does what the next request of this kind, as `verb resource`, asks, and breaks off instead of its answer. */
  answerLate(kind: string): () => void
  /** Lets requests of this kind wait, until it is taken back: they then end without an answer. */
  hold(kind: string): () => void
  /** What is open now gets nothing more, and is not told so. */
  silence(): void
  /** Breaks off watches and other requests that are open, without a word. */
  cut(): void
  /** Refuses connections, as a server that is away. */
  stop(): Promise<void>
  /** Listens again where it did. */
  start(): Promise<void>
  close(): Promise<void>
}

/** A stand-in for the API server of Kubernetes: on TLS, with tokens, RBAC, watches and the published schemas. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-cluster-'))
  const namespace = 'slipway'
  const { caFile, cert, key } = await makeCertificates(folder)
  const rules = await readRoles(options.roles)
  const store = createClusterStore(options.resources)
  const used = new Set<string>()
  const asked: string[] = []
  const faults = new Set<Fault>()
  const sockets = new Set<Socket>()
  const swallowed = new Set<string>()
  const held = new Map<string, Set<Socket>>()
  let token = ''

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (['/readyz', '/livez', '/version'].includes(request.url ?? '')) {
      response.end(JSON.stringify({ major: '1', minor: '33', gitVersion: 'v1.33.0' }))
      return
    }
    const found = parseRequest(store, request)
    if (found !== null) asked.push(`${found.verb} ${found.resource}`)
    if (request.headers.authorization !== `Bearer ${token}`) {
      throw new StatusError(401, 'Unauthorized', 'Unauthorized')
    }
    if (found === null)
      throw new StatusError(404, 'NotFound', 'the server could not find the requested resource')
    const waiting = held.get(`${found.verb} ${found.resource}`)
    if (waiting !== undefined) return void waiting.add(request.socket)
    for (const fault of faults) {
      const refusal = fault(found)
      if (refusal === 'cut') return void request.socket.destroy()
      if (refusal !== null) throw refusal
    }
    requireAccess(found)
    if (swallowed.delete(`${found.verb} ${found.resource}`)) {
      response.end = () => {
        request.socket.destroy()
        return response
      }
    }
    await serveRequest(store, options.parts ?? {}, found, request, response)
  }
  const requireAccess = (wanted: AccessQuestion & { namespace: string }): void => {
    const { verb, resource, group } = wanted
    if (wanted.namespace !== namespace || !isAllowed(rules, wanted)) {
      const what = `cannot ${verb} resource "${resource}" in API group "${group}" in the namespace "${wanted.namespace}"`
      throw new StatusError(
        403,
        'Forbidden',
        `${resource} is forbidden: User "system:serviceaccount:slipway:slipway" ${what}`,
      )
    }
    used.add(`${verb} ${resource}`)
  }
  const server = createServer({ cert, key }, (request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (response.headersSent) return void response.destroy()
      const refusal =
        error instanceof StatusError ? error : new StatusError(500, 'InternalError', String(error))
      const { retryAfterSeconds } = refusal
      response
        .writeHead(refusal.code, {
          'content-type': 'application/json',
          ...(retryAfterSeconds === null ? {} : { 'retry-after': String(retryAfterSeconds) }),
        })
        .end(JSON.stringify(refusal.toStatus()))
    })
  })
  server.on('secureConnection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const cut = () => sockets.forEach((socket) => socket.destroy())
  const account = join(folder, 'account')
  const kubeconfig = join(folder, 'kubeconfig')
  const port = await listen(0)
  const url = `https://127.0.0.1:${port}`
  const rotateToken = async () => {
    const next = `token-${randomUUID()}`
    // In one step, as the kubelet does it: nobody reads half of one.
    for (const [path, text] of [
      [join(account, 'token'), next],
      [kubeconfig, describeAccess({ url, caFile, namespace, token: next })],
    ] as const) {
      await writeFile(`${path}.new`, text)
      await rename(`${path}.new`, path)
    }
    token = next
  }
  await mkdir(account)
  await writeFile(join(account, 'namespace'), namespace)
  await copyFile(caFile, join(account, 'ca.crt'))
  await rotateToken()
  return {
    url,
    namespace,
    caFile,
    kubeconfig,
    account,
    store,
    used,
    rules,
    asked,
    rotateToken,
    fault(fault) {
      faults.add(fault)
      return () => void faults.delete(fault)
    },
    answerLate(kind) {
      swallowed.add(kind)
      return () => void swallowed.delete(kind)
    },
    hold(kind) {
      const waiting = new Set<Socket>()
      held.set(kind, waiting)
      return () => {
        held.delete(kind)
        for (const socket of waiting) socket.destroy()
      }
    },
    silence() {
      for (const socket of sockets) socket.write = () => true
    },
    cut,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
    start: async () => void (await listen(port)),
    async close() {
      const closed = server.listening ? once(server, 'close') : null
      server.close()
      cut()
      await closed
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function describeAccess(at: {
  url: string
  caFile: string
  namespace: string
  token: string
}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server: at.url, 'certificate-authority': at.caFile } }],
    users: [{ name: 'test', user: { token: at.token } }],
    contexts: [
      { name: 'test', context: { cluster: 'test', user: 'test', namespace: at.namespace } },
    ],
  })
}
