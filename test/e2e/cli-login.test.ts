import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser } from '../support/cookie-browser.ts'
import { ada, startIssuer, type TestIssuer } from '../support/oidc-issuer.ts'
import { type CliResult, runCli, temporaryDirectory } from '../support/run-cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let issuer: TestIssuer
let server: TestServer
beforeAll(async () => {
  issuer = await startIssuer()
  server = await startTestServer({
    OIDC_ISSUER: issuer.issuer,
    OIDC_CLI_CLIENT_ID: 'slipway-cli',
  })
})
afterAll(async () => {
  await server.close()
  await issuer.close()
})
afterEach(() => void (issuer.account = ada))

interface Person {
  home: string
  run(
    args: readonly string[],
    options?: { input?: string; env?: Record<string, string> },
  ): Promise<CliResult>
  /** What `slipway login` has kept of the server. */
  login(): Promise<Record<string, unknown> & { accessToken: string }>
  keep(login: object): Promise<void>
}

async function person(): Promise<Person> {
  const home = await temporaryDirectory()
  const file = join(home, '.config', 'slipway', 'logins.json')
  return {
    home,
    run: (args, { env, ...more } = {}) =>
      runCli(args, { ...more, env: { HOME: home, SLIPWAY_URL: server.url, ...env } }),
    async login() {
      const logins = JSON.parse(await readFile(file, 'utf8')) as Record<string, never>
      return logins[server.url] as never
    },
    async keep(login) {
      await mkdir(join(home, '.config', 'slipway'), { recursive: true })
      await writeFile(file, JSON.stringify({ [server.url]: login }), { mode: 0o600 })
    },
  }
}

/** Lets a device in, as a person does in a browser, or does not. */
async function approve(uri: string): Promise<void> {
  const browser = openBrowser()
  const confirm = await browser.submit(await browser.goTo(uri))
  expect(confirm.text).toContain('op.deviceConfirmForm')
  await browser.submit(confirm)
}

/** Signs in by the device flow. */
async function signIn({ home }: Pick<Person, 'home'>): Promise<CliResult> {
  let approved: Promise<void> | undefined
  const result = await runCli(['--json', 'login'], {
    env: { HOME: home, SLIPWAY_URL: server.url },
    onOutput(out) {
      if (approved !== undefined || !out.includes('\n')) return
      const { verification_uri_complete: uri } = JSON.parse(out.split('\n')[0] ?? '') as {
        verification_uri_complete: string
      }
      approved = approve(uri)
    },
  })
  await approved
  return result
}

describe('slipway login', () => {
  it('signs in by the issuer, with a code for a browser anywhere', async () => {
    const somebody = await person()
    const { code, out } = await signIn(somebody)
    expect(code).toBe(0)
    const [asked, signedIn] = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(asked).toEqual({
      verification_uri: `${issuer.issuer}/device`,
      verification_uri_complete: expect.stringContaining('user_code=') as unknown,
      user_code: expect.stringMatching(/^\w{4}-\w{4}$/) as unknown,
      expires_at: expect.any(String) as unknown,
    })
    expect(signedIn).toMatchObject({ name: 'ada@example.com', roles: ['developer'] })
    const who = await somebody.run(['whoami'])
    expect(who.out).toContain('ada@example.com\n')
    expect(who.out).toMatch(/roles +developer\n/)
    const file = join(somebody.home, '.config', 'slipway', 'logins.json')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(join(somebody.home, '.config', 'slipway'))).mode & 0o777).toBe(0o700)
  }, 60_000)

  it('says in words where to go', async () => {
    const somebody = await person()
    issuer.account = null
    const { code, err } = await new Promise<CliResult>((resolve, reject) => {
      runCli(['login'], {
        env: { HOME: somebody.home, SLIPWAY_URL: server.url },
        onError(text, signal) {
          if (/enter the code \w{4}-\w{4}\n/.test(text)) signal('SIGINT')
        },
      }).then(resolve, reject)
    })
    expect(err).toContain(`Open ${issuer.issuer}/device and enter the code`)
    expect(code).toBe(130)
  })

  it('says so when somebody says no', async () => {
    issuer.account = null
    const somebody = await person()
    const { code, err } = await signIn(somebody)
    expect([code, JSON.parse(err)]).toMatchObject([
      4,
      { error: { message: 'You, or the issuer, said no' } },
    ])
    await expect(somebody.login()).rejects.toThrow('ENOENT')
  }, 60_000)

  it('keeps nothing that the server does not take', async () => {
    const somebody = await person()
    const { code, err } = await somebody.run(['login', '--with-token'], { input: 'slw_unknown\n' })
    expect(code).toBe(4)
    expect(err).toContain('does not take this token')
    await expect(somebody.login()).rejects.toThrow('ENOENT')
  })

  it('takes a token from standard input, or from --token', async () => {
    for (const [args, input] of [
      [['login', '--with-token'], `${server.token}\n`],
      [['login', '--token', server.token], ''],
    ] as const) {
      const somebody = await person()
      const { code, err } = await somebody.run(args, { input })
      expect([code, err]).toEqual([0, `Signed in to ${server.url} as admin\n`])
      expect((await somebody.run(['token', 'list'])).code).toBe(0)
    }
  })

  it('wants a token', async () => {
    const somebody = await person()
    expect((await somebody.run(['login', '--with-token'], { input: ' \n' })).code).toBe(2)
  })

  it('needs an issuer, and a place to keep the login in', async () => {
    const other = await startTestServer()
    try {
      const somebody = await person()
      const { code, err } = await somebody.run(['login'], { env: { SLIPWAY_URL: other.url } })
      expect(code).toBe(2)
      expect(err).toContain('slipway login --with-token')
    } finally {
      await other.close()
    }
    const nowhere = await runCli(['login'], { env: { HOME: '', SLIPWAY_URL: server.url } })
    expect([nowhere.code, nowhere.err]).toEqual([2, expect.stringContaining('no place to keep')])
  }, 60_000)

  it('says so while the issuer is away', async () => {
    await issuer.stop()
    try {
      const { code, err } = await (await person()).run(['login'])
      expect([code, err]).toEqual([5, expect.stringContaining('No answer from the issuer')])
    } finally {
      await issuer.start()
    }
  })
})

describe('a login', () => {
  const ofIssuer = async (more: object = {}) => ({
    kind: 'oidc',
    accessToken: await issuer.sign(),
    refreshToken: null,
    expiresAt: Date.now() + 300_000,
    issuer: issuer.issuer,
    clientId: 'slipway-cli',
    ...more,
  })

  it('goes behind what is given for one call, and before what is written down', async () => {
    const somebody = await person()
    await somebody.keep(await ofIssuer())
    const given = await somebody.run(['--json', 'whoami'], { env: { SLIPWAY_TOKEN: server.token } })
    expect(JSON.parse(given.out)).toMatchObject({ name: 'admin' })
    const config = `servers:\n  home:\n    url: ${server.url}\n    token: ${server.token}\n`
    const path = join(somebody.home, '.config', 'slipway', 'config.yaml')
    await writeFile(path, config, { mode: 0o600 })
    const written = await somebody.run(['--json', 'whoami'])
    expect(JSON.parse(written.out)).toMatchObject({ name: 'ada@example.com' })
  })

  it('is renewed when its token is about to end, once for many commands at once', async () => {
    const somebody = await person()
    await signIn(somebody)
    const before = await somebody.login()
    await somebody.keep({ ...before, expiresAt: Date.now() + 1_000 })
    const asked = issuer.requests.filter((request) => request === 'POST /token').length
    const results = await Promise.all([1, 2, 3].map(() => somebody.run(['whoami'])))
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0])
    const after = issuer.requests.filter((request) => request === 'POST /token').length
    expect(after).toBe(asked + 1)
    const renewed = await somebody.login()
    expect(renewed.accessToken).not.toBe(before.accessToken)
    expect(renewed.expiresAt).toBeGreaterThan(Date.now() + 3_000_000)
  }, 60_000)

  it('goes on while the issuer is away, until its token ends', async () => {
    const somebody = await person()
    await somebody.keep(await ofIssuer({ refreshToken: 'x', expiresAt: Date.now() + 30_000 }))
    await issuer.stop()
    try {
      expect((await somebody.run(['whoami'])).code).toBe(0)
      await somebody.keep(await ofIssuer({ refreshToken: 'x', expiresAt: Date.now() - 1 }))
      const over = await somebody.run(['whoami'])
      expect([over.code, over.err]).toEqual([
        5,
        expect.stringContaining('No answer from the issuer'),
      ])
    } finally {
      await issuer.start()
    }
  }, 60_000)

  it.each([{ refreshToken: 'made-up' }, { refreshToken: null }])(
    'ends when it cannot be renewed: %o',
    async (more) => {
      const somebody = await person()
      await somebody.keep(await ofIssuer({ ...more, expiresAt: Date.now() - 1 }))
      const { code, err } = await somebody.run(['whoami'])
      expect(code).toBe(4)
      expect(err).toContain('Your login has ended')
      expect(err).toContain('slipway login')
      await expect(somebody.login()).rejects.toThrow('ENOENT')
    },
  )

  it('is refused where others can read it, or it is broken', async () => {
    const somebody = await person()
    await somebody.keep(await ofIssuer())
    const path = join(somebody.home, '.config', 'slipway', 'logins.json')
    await chmod(path, 0o644)
    const open = await somebody.run(['whoami'])
    expect([open.code, open.err]).toEqual([2, expect.stringContaining('chmod 600')])
    await writeFile(path, 'x')
    await chmod(path, 0o600)
    const broken = await somebody.run(['whoami'])
    expect([broken.code, broken.err]).toEqual([2, expect.stringContaining('slipway login')])
  })

  it('is for its own server only', async () => {
    const somebody = await person()
    await somebody.keep(await ofIssuer())
    const url = server.url.replace('127.0.0.1', 'localhost')
    const { code } = await somebody.run(['whoami'], { env: { SLIPWAY_URL: url } })
    expect(code).toBe(4)
  })
})

describe('slipway logout', () => {
  it('forgets the login, and has the issuer forget it', async () => {
    const somebody = await person()
    await signIn(somebody)
    issuer.requests.length = 0
    const { code, err } = await somebody.run(['logout'])
    expect([code, err]).toEqual([0, `Signed out of ${server.url}\n`])
    expect(issuer.requests).toContain('POST /revoke')
    expect((await somebody.run(['whoami'])).code).toBe(4)
    await expect(somebody.login()).rejects.toThrow('ENOENT')
  }, 60_000)

  it('is harmless without one', async () => {
    const { code, err } = await (await person()).run(['logout'])
    expect([code, err]).toEqual([0, `There was no login of ${server.url}\n`])
  })
})
