import { pino } from 'pino'
import { openIdentity } from '../../packages/server/src/compose/open-identity.ts'
import { type Config, readConfig } from '../../packages/server/src/config/read-config.ts'
import { openDatabase } from '../../packages/server/src/db/open-database.ts'
import { createResources } from '../../packages/server/src/resources.ts'
import { openVault } from '../../packages/server/src/secrets/index.ts'
import { type CookieBrowser, openBrowser, type Visited } from './cookie-browser.ts'
import { createTestApp, type TestApp } from './http.ts'
import { startIssuer, type TestIssuer } from './oidc-issuer.ts'
import { quietLog } from './quiet-log.ts'

/** The application with an issuer beside it, over real HTTP. */
export interface SignInApp extends TestApp {
  readonly url: string
  readonly issuer: TestIssuer
  /** A browser that has been to the issuer and back; where it ended up. */
  signIn(returnTo?: string, browser?: CookieBrowser): Promise<SignedIn>
  /** A request of a page of ours, with the browser's session. */
  page(
    browser: CookieBrowser,
    method: string,
    path: string,
    options?: PageRequest,
  ): Promise<Response>
}

export interface SignedIn extends Visited {
  browser: CookieBrowser
}

export interface PageRequest {
  body?: unknown
  headers?: Record<string, string>
  /** Default: that of the session, with changes. Null: none. */
  csrf?: string | null
}

export interface SignInAppOptions {
  env?: Record<string, string>
  /** An issuer that is there already; the caller closes it. */
  issuer?: TestIssuer
  /** Changes what the settings came to. */
  adjust?: (config: Config) => void
  rateLimits?: { perSession?: number; signInsPerAddress?: number }
  /** What further routes need. */
  rooms?: (db: TestApp['database']['db']) => object
  /** Another application's database, which both are then on. */
  databaseUrl?: string
}

export async function startSignInApp(options: SignInAppOptions = {}): Promise<SignInApp> {
  const issuer = options.issuer ?? (await startIssuer())
  const config = await readConfig({
    OIDC_ISSUER: issuer.issuer,
    OIDC_CLIENT_ID: 'slipway-web',
    OIDC_CLI_CLIENT_ID: 'slipway-cli',
    ...options.env,
  })
  options.adjust?.(config)
  const log = pino({ level: 'silent' })
  const resources = createResources(log)
  const vault = openVault([Buffer.alloc(32, 1)])
  const adminToken = 'an-admin-token-for-tests'
  const shared =
    options.databaseUrl === undefined
      ? null
      : await openDatabase({ url: options.databaseUrl, log: quietLog })
  let opened: ReturnType<typeof openIdentity> | undefined
  const test = await createTestApp((own) => {
    const db = shared?.db ?? own
    opened = openIdentity(config, log, { db, adminToken, vault }, resources)
    const { publicUrl } = config.http
    return {
      db,
      identity: opened.identity,
      cookies: { sessions: opened.sessions, publicUrl },
      rateLimits: {
        windowMs: 60_000,
        perPrincipal: 1_000,
        failedPerAddress: 1_000,
        ...options.rateLimits,
      },
      platform: {
        db,
        forgetToken: opened.forgetToken,
        signal: new AbortController().signal,
        signIn: opened.signIn,
        ...options.rooms?.(db),
      } as never,
    }
  })
  const url = await test.app.listen({ port: 0, host: '127.0.0.1' })
  issuer.allow(url)

  const page: SignInApp['page'] = async (browser, method, path, given = {}) => {
    const { body, headers, csrf } = given
    const token = csrf === undefined && method !== 'GET' ? await csrfOf(browser) : csrf
    return browser.request(new URL(path, url), {
      method,
      headers: {
        ...(method === 'GET' ? {} : { origin: url }),
        ...(token == null ? {} : { 'x-csrf-token': token }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  }
  const csrfOf = async (browser: CookieBrowser): Promise<string | null> => {
    const answer = await browser.request(new URL('/v1/session', url))
    if (answer.status !== 200) return null
    const { session } = (await answer.json()) as { session: { csrf_token: string } | null }
    return session?.csrf_token ?? null
  }
  return Object.assign(test, {
    url,
    issuer,
    page,
    async signIn(returnTo = '/', browser = openBrowser()) {
      const query = new URLSearchParams({ return_to: returnTo })
      const visited = await browser.goTo(`${url}/v1/sign-in?${query.toString()}`, {
        until: new URL(returnTo, url).href.replace(/[?#].*/, ''),
      })
      return { ...visited, browser }
    },
    close: closeAll(test.close, async () => {
      await resources.close()
      await shared?.close()
      if (options.issuer === undefined) await issuer.close()
    }),
  })
}

function closeAll(first: () => Promise<void>, then: () => Promise<void>): () => Promise<void> {
  return async () => {
    await then()
    await first()
  }
}
