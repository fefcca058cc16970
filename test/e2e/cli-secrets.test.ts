// Secrets, credentials and repositories by the command line, up to a run of a private repository.
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CreatedToken } from '@slipway/contract/access'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { serveGit } from '../support/git-http.ts'
import { createRepository, oneProject } from '../support/git-repository.ts'
import { type CliOptions, runCli, temporaryDirectory } from '../support/run-cli.ts'
import { finishedRun, logOf, startRun, stepNamed } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { startSshd } from '../support/sshd.ts'

// Each of many processes takes its time to start, on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 90_000 })

let server: TestServer
beforeAll(async () => void (server = await startTestServer()))
afterAll(() => server.close())

const environment = () => ({ SLIPWAY_URL: server.url, SLIPWAY_TOKEN: server.token })
const cli = (args: string[], options: CliOptions = {}) =>
  runCli(args, { ...options, env: { ...environment(), ...options.env } })

describe('slipway secret', () => {
  it('sets from standard input and from a file, lists names, and deletes', async () => {
    const directory = await temporaryDirectory()
    const file = join(directory, 'key')
    await writeFile(file, 'line 1\nline 2\n')
    const piped = await cli(['secret', 'set', 'PIPED', '-r', 'acme/shop'], { input: 'hunter2\n' })
    expect(piped).toEqual({ code: 0, out: '', err: 'Set PIPED of acme/shop\n' })
    const fromFile = await cli(['secret', 'set', 'FILED', '-o', 'acme', '--file', file])
    expect(fromFile.code, fromFile.err).toBe(0)

    const list = await cli(['secret', 'list'])
    expect(list.out).toMatch(/^SCOPE +NAME +CHANGED +BY\nacme +FILED .* admin\nacme\/shop +PIPED /)
    const json = await cli(['secret', 'list', '-r', 'acme/shop', '--json'])
    expect(JSON.parse(json.out)).toMatchObject({
      total: 1,
      secrets: [{ scope: 'acme/shop', name: 'PIPED' }],
    })
    expect(list.out + json.out).not.toContain('hunter2')

    const repository = await createRepository(server.repositories, 'acme/shop')
    const steps = [
      {
        name: 'show',
        run: 'printf %s "$PIPED" | wc -c; wc -c < "$FILED"',
        secrets: ['PIPED', { name: 'FILED', file: true }],
      },
    ]
    const commit = await repository.commit(oneProject(steps))
    const run = await finishedRun(server, await startRun(server, 'acme/shop', commit))
    // Of what is piped in, the last line's end is none of it; a file is taken as it is.
    expect(await logOf(server, stepNamed(run, 'show'))).toBe('7\n14\n')

    const gone = await cli(['secret', 'delete', 'PIPED', '-r', 'acme/shop'])
    expect(gone.err).toBe('Deleted PIPED of acme/shop\n')
    const again = await cli(['secret', 'delete', 'PIPED', '-r', 'acme/shop'])
    expect(again).toMatchObject({ code: 4, err: expect.stringContaining('has no secret PIPED') })
  })

  it('asks at a terminal, and does not show what is typed', async () => {
    const bin = new URL('../../packages/cli/bin/slipway.js', import.meta.url).pathname
    const command = `sleep 1; '${process.execPath}' '${bin}' secret set TYPED -o acme`
    const shown = execFileSync('script', ['-qec', command, '/dev/null'], {
      env: { PATH: process.env['PATH'], ...environment() },
      input: 'hunterX\u007f2\r',
    }).toString()
    expect(shown).toContain('TYPED of acme: ')
    expect(shown).toContain('Set TYPED of acme')
    // The terminal itself echoes what comes before the command has asked.
    expect(shown.slice(shown.indexOf('TYPED of acme: '))).not.toContain('hunter')
  })

  it.each([
    [['secret', 'set', 'X'], 'Whose secret'],
    [['secret', 'set', 'X', '-r', 'acme/shop', '-o', 'acme'], 'cannot be used with'],
    [['secret', 'set', 'X', 'value', '-o', 'acme'], 'too many arguments'],
    [['secret', 'set', 'X', '-o', 'acme', '-f', '/no/such/file'], 'cannot be read (ENOENT)'],
    [['secret', 'set', 'X', '-o', 'acme'], 'The secret is empty'],
  ])('refuses %j', async (args, message) => {
    const { code, err } = await cli(args)
    expect(code).toBe(2)
    expect(err).toContain(message)
  })

  it('says what a token may not', async () => {
    const body = { name: 'limited', roles: ['operator'], repositories: ['acme/shop'] }
    const { token } = await server.json<CreatedToken>('POST', '/v1/tokens', { body })
    const env = { SLIPWAY_TOKEN: token }
    const refused = await cli(['secret', 'set', 'X', '-o', 'acme'], { env, input: 'x' })
    expect(refused.code).toBe(4)
    expect(refused.err).toContain('limited to repositories')
  })
})

describe('slipway credential and slipway repository', () => {
  it('register a private repository behind a password, and a run of it works', async () => {
    const elsewhere = await temporaryDirectory()
    const repository = await createRepository(elsewhere, 'acme/private')
    const commit = await repository.commit(oneProject([{ name: 'say', run: 'echo private' }]))
    const url = await serveGit(repository, { login: { username: 'bob', password: 'hunter2' } })

    const create = ['credential', 'create', 'git-server', '--type', 'git_https']
    const refused = await cli([...create, '--set', 'username=bob', '--set', 'password_or_token=x'])
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('is secret') })
    expect((await cli(create, { input: 'x' })).err).toContain('--set username=')
    const made = await cli([...create, '--set', 'username=bob'], { input: 'hunter2\n' })
    expect(made.code, made.err).toBe(0)
    expect((await cli(['credential', 'list'])).out).toMatch(/git-server +git_https +never/)
    const allow = ['credential', 'update', 'git-server', '--repository', 'acme/private', 'tools/*']
    expect(JSON.parse((await cli([...allow, '--json'])).out)).toMatchObject({
      metadata: { repositories: ['acme/private', 'tools/*'] },
    })
    expect((await cli([...allow, '*'])).err).toContain('/metadata/repositories must be a list')
    const verified = await cli(['credential', 'verify', 'git-server', '--at', url])
    expect(verified).toMatchObject({ code: 0, out: expect.stringContaining('can be read') })

    // Without its credential it is registered, and cannot be read.
    const alone = await cli(['repository', 'add', 'acme/private', url])
    expect(alone).toMatchObject({ code: 1, out: expect.stringContaining('no access to it') })
    const failed = await finishedRun(server, await startRun(server, 'acme/private', commit))
    expect(failed.status).toBe('failed')

    const update = ['repository', 'update', 'acme/private', '--credential', 'git-server']
    expect(await cli(update)).toMatchObject({ code: 0, out: 'Reached: 1 branch\n' })
    expect((await cli(['repository', 'list'])).out).toMatch(/acme\/private +yes +http:/)
    const branches = await cli(['repository', 'branches', 'acme/private'])
    expect(branches.out).toBe(`* ${commit.slice(0, 12)} main\n`)
    const run = await finishedRun(server, await startRun(server, 'acme/private', commit))
    expect(run.status).toBe('success')
    expect(await logOf(server, stepNamed(run, 'say'))).toBe('private\n')
    expect(server.output.join('\n')).not.toContain('hunter2')

    expect((await cli(['credential', 'delete', 'git-server'])).err).toContain(
      'used by acme/private',
    )
    expect((await cli(['repository', 'remove', 'acme/private'])).code).toBe(0)
    expect((await cli(['credential', 'delete', 'git-server'])).code).toBe(0)
  })

  it('register one behind SSH, with a key that has a passphrase, and notice another host key', async () => {
    const sshd = await startSshd()
    const elsewhere = await temporaryDirectory()
    const repository = await createRepository(elsewhere, 'acme/ssh')
    const commit = await repository.commit(oneProject([{ name: 'say', run: 'echo by ssh' }]))
    const [key, passphrase] = [join(elsewhere, 'key'), join(elsewhere, 'passphrase')]
    await writeFile(key, sshd.lockedKey)
    await writeFile(passphrase, `${sshd.passphrase}\n`)
    const files = ['--from', `private_key=${key}`, `passphrase=${passphrase}`]
    const made = await cli(['credential', 'create', 'deploy-key', '--type', 'git_ssh', ...files])
    expect(made.code, made.err).toBe(0)
    const url = sshd.url(repository.directory)
    const add = ['repository', 'add', 'acme/ssh', url, '--credential', 'deploy-key']
    const added = await cli(add)
    expect(added).toMatchObject({ code: 0, out: expect.stringContaining('Host key: SHA256:') })
    const first = await finishedRun(server, await startRun(server, 'acme/ssh', commit))
    expect(first.status).toBe('success')
    expect(await logOf(server, stepNamed(first, 'say'))).toBe('by ssh\n')

    await sshd.changeHostKey()
    const next = await repository.commit(oneProject([{ name: 'say', run: 'echo again' }]))
    const refused = await finishedRun(server, await startRun(server, 'acme/ssh', next))
    expect(refused.status).toBe('failed')
    expect(JSON.stringify(refused)).toContain('another host key')
    expect(await cli(['repository', 'verify', 'acme/ssh'])).toMatchObject({ code: 1 })
    const accept = ['repository', 'verify', 'acme/ssh', '--accept-new-host-key']
    expect(await cli(accept)).toMatchObject({ code: 0 })
    const second = await finishedRun(server, await startRun(server, 'acme/ssh', next))
    expect(second.status).toBe('success')
  })

  it('describe the types, and what is not there', async () => {
    const types = await cli(['credential', 'types'])
    expect(types.out).toMatch(/git_ssh +private_key \[passphrase\] \[known_hosts\]/)
    const unknown = await cli(['repository', 'verify', 'nowhere'])
    expect(unknown).toMatchObject({
      code: 4,
      err: expect.stringContaining('slipway repository list'),
    })
    expect((await cli(['credential', 'verify', '999999'])).code).toBe(4)
  })
})

describe('GIT_CREDENTIAL', () => {
  it('lets runs into the place of GIT_BASE_URL, and is sent nowhere else', async () => {
    const elsewhere = await temporaryDirectory()
    const repository = await createRepository(elsewhere, 'acme/base')
    const commit = await repository.commit(oneProject([{ name: 'say', run: 'echo default' }]))
    const login = { username: 'bob', password: 'hunter2' }
    const url = await serveGit(repository, { login })
    const strangers: (string | undefined)[] = []
    const other = await serveGit(repository, {
      login,
      onRequest: (authorization) => void strangers.push(authorization),
    })
    const base = await startTestServer({
      GIT_BASE_URL: new URL(url).origin,
      GIT_CREDENTIAL: 'git-server',
    })
    try {
      const env = { SLIPWAY_URL: base.url, SLIPWAY_TOKEN: base.token }
      const early = await finishedRun(base, await startRun(base, 'acme/base', commit))
      expect(JSON.stringify(early)).toContain('There is no credential git-server')
      const create = ['credential', 'create', 'git-server', '--type', 'git_https']
      await runCli([...create, '--set', 'username=bob'], { env, input: 'hunter2' })
      const run = await finishedRun(base, await startRun(base, 'acme/base', commit))
      expect(run.status).toBe('success')
      const added = await runCli(['repository', 'add', 'acme/other', other], { env })
      expect(added.code).toBe(1)
      expect(strangers.length).toBeGreaterThan(0)
      expect(strangers.every((authorization) => authorization === undefined)).toBe(true)
    } finally {
      await base.close()
    }
  })
})
