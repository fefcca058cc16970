import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { pino } from 'pino'
import { openAuditLog } from '../../packages/server/src/access/index.ts'
import {
  type ApiTokens,
  openApiTokens,
} from '../../packages/server/src/adapters/identity/api-tokens.ts'
import { type HttpServerDeps, createHttpServer } from '../../packages/server/src/http/app.ts'
import { createHealthCheck } from '../../packages/server/src/http/system/check-health.ts'
import { type TestDatabase, createTestDatabase } from './database.ts'

/** The application over HTTP on a database of its own, without the rooms behind runs, logs and events. */
export interface TestApp {
  readonly app: FastifyInstance
  readonly database: TestDatabase
  readonly identity: ApiTokens
  /** The administrator's token. */
  readonly token: string
  /** What the server has logged, one JSON object a line. */
  readonly logged: string[]
  request(method: Method, url: string, options?: TestRequest): Promise<LightMyRequestResponse>
  /** Makes a token with these roles, and answers its secret. */
  tokenFor(roles: readonly string[], more?: Record<string, unknown>): Promise<string>
  close(): Promise<void>
}

type Method = NonNullable<InjectOptions['method']>

export interface TestRequest {
  body?: unknown
  /** Null: none. Default: the administrator's. */
  token?: string | null
  headers?: Record<string, string>
}

/** `rooms` makes what routes need beyond the database; `overrides` may be made of the database, too. */
export async function createTestApp(
  overrides: Partial<HttpServerDeps> | ((db: TestDatabase['db']) => Partial<HttpServerDeps>) = {},
  rooms: (db: TestDatabase['db']) => Partial<HttpServerDeps['platform']> = () => ({}),
): Promise<TestApp> {
  const database = await createTestDatabase()
  const { db } = database
  const token = 'an-admin-token-for-tests'
  const logged: string[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) })
  const identity = openApiTokens(
    { db, onError: (error) => log.error(error) },
    { adminToken: token },
  )
  const app = await createHttpServer({
    db,
    log,
    identity,
    version: '0.0.0',
    trustProxy: false,
    verifySignedLink: () => false,
    audit: openAuditLog({ db }),
    checkHealth: createHealthCheck({}, { cacheMs: 0 }),
    isReady: () => true,
    oci: { signal: new AbortController().signal } as unknown as HttpServerDeps['oci'],
    builds: { signal: new AbortController().signal } as unknown as HttpServerDeps['builds'],
    runners: { signal: new AbortController().signal } as unknown as HttpServerDeps['runners'],
    status: { signal: new AbortController().signal } as unknown as HttpServerDeps['status'],
    platform: {
      db,
      forgetToken: identity.forget,
      signal: new AbortController().signal,
      ...rooms(db),
    } as unknown as HttpServerDeps['platform'],
    ...(typeof overrides === 'function' ? overrides(db) : overrides),
  })
  let names = 0
  const test: TestApp = {
    app,
    database,
    identity,
    token,
    logged,
    request(method, url, options = {}) {
      const bearer = options.token === undefined ? token : options.token
      return app.inject({
        method,
        url,
        headers: {
          ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
          ...options.headers,
        },
        ...(options.body === undefined ? {} : { payload: options.body as object }),
      })
    },
    async tokenFor(roles, more = {}) {
      const body = { name: `token ${++names}`, roles, ...more }
      const answer = await test.request('POST', '/v1/tokens', { body })
      if (answer.statusCode !== 201) throw new Error(answer.body)
      return answer.json<{ token: string }>().token
    },
    async close() {
      await app.close()
      await identity.close()
      await database.close()
    },
  }
  return test
}
