// What steps are given and nobody is shown: through real runs, and everything that these leave.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Run } from '@slipway/contract/runs'
import type { StepSecret } from '@slipway/contract/secrets'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { finishedRun, logOf, startRun, stepNamed, stepsOf, tasksOf } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let database: TestDatabase
let server: TestServer
let repository: TestRepository
const name = 'acme/shop'

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startTestServer({ DATABASE_URL: database.url })
  repository = await createRepository(server.repositories, name)
})
afterAll(async () => {
  await server.close()
  await database.close()
})

const put = (scope: string, secret: string, value: string) =>
  server.request('PUT', `/v1/secrets/${encodeURIComponent(scope)}/${secret}`, { body: { value } })

async function runSteps(steps: object[], more: Record<string, unknown> = {}): Promise<Run> {
  const commit = await repository.commit(oneProject(steps))
  return finishedRun(server, await startRun(server, name, commit, more))
}

const multiline = [
  '-----BEGIN EXAMPLE KEY-----',
  'c2VjcmV0IGxpbmUgb25lIG9mIGEgc2VjcmV0IGtleQ',
  'YW5vdGhlciBsaW5lIHdpdGggbW9yZSBvZiB0aGUga2V5',
  '-----END EXAMPLE KEY-----',
].join('\n')

describe('secrets of steps', () => {
  it('come by variable and by file, and print masked in every form', async () => {
    const token = 'tok-"5ecret"/+%&é-value'
    await put(name, 'TOKEN', token)
    await put(name, 'KEY', multiline)
    const run = await runSteps([
      {
        name: 'print',
        secrets: ['TOKEN', { name: 'KEY', env: 'KEY_FILE', file: true }],
        run: [
          'test "$(printf %s "$TOKEN" | sha256sum | cut -c1-64)" = "$WANTED" || exit 9',
          'echo plain $TOKEN and $TOKEN',
          'printf %s "$TOKEN" | base64',
          'printf %s "user:$TOKEN" | base64',
          'printf %s "$TOKEN" | od -An -tx1 | tr -d " \\n"; echo',
          `node -e 'const t = process.env.TOKEN
            console.log(JSON.stringify({ t }))
            console.log(encodeURIComponent(t))
            console.log(new URLSearchParams({ t }).toString())'`,
          // Split across two writes, with time for each to be seen alone.
          `node -e 'const t = process.env.TOKEN
            process.stdout.write(t.slice(0, 7))
            setTimeout(() => process.stdout.write(t.slice(7) + "\\n"), 300)'`,
          'cat "$KEY_FILE"; sed -n 2p "$KEY_FILE"; base64 "$KEY_FILE"',
          'stat -c "mode %a" "$KEY_FILE"',
          'case $KEY_FILE in $PWD/*) echo in the checkout;; esac',
          'git status --porcelain',
          'echo; echo done',
        ].join('\n'),
        env: {
          WANTED: createHash('sha256').update(token).digest('hex'),
        },
      },
    ])
    const log = await logOf(server, stepNamed(run, 'print'))
    expect(run.status, log).toBe('success')
    expect(log).toContain('plain *** and ***')
    expect(log).toContain('mode 600')
    expect(log).not.toContain('in the checkout')
    expect(log).toMatch(/\ndone\n$/)
    for (const part of [
      '5ecret',
      'tok-',
      Buffer.from(token).toString('base64').slice(0, 20),
      Buffer.from(`user:${token}`).toString('base64').slice(10, 26),
      Buffer.from(token).toString('hex').slice(0, 20),
      encodeURIComponent(token).slice(6, 20),
      'c2VjcmV0IGxpbmUgb25l',
      'YW5vdGhlciBsaW5l',
      Buffer.from(multiline).toString('base64').slice(30, 60),
    ]) {
      expect(log).not.toContain(part)
    }
  })

  it('are masked in the log of every step of the task, whoever asked for them', async () => {
    await put(name, 'SHARED', 'a-shared-secret-value')
    const run = await runSteps([
      { name: 'ask', run: 'echo $SHARED > left', secrets: ['SHARED'] },
      { name: 'print', run: 'cat left; test -z "$SHARED" && echo not mine', needs: ['ask'] },
    ])
    expect(await logOf(server, stepNamed(run, 'print'))).toBe('***\nnot mine\n')
  })

  it('come to the producers of artifacts, too, and print masked there', async () => {
    await put(name, 'BUILD_TOKEN', 'a-token-for-the-producer')
    const producer = {
      run: 'echo got $BUILD_TOKEN; cat "$TOKEN_FILE"; echo; mkdir out; echo x > out/file',
      path: 'out',
      secrets: ['BUILD_TOKEN', { name: 'BUILD_TOKEN', env: 'TOKEN_FILE', file: true }],
    }
    const commit = await repository.commit({
      '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases: { test: {} } }),
      '.forge/project.json': JSON.stringify({
        name: 'app',
        phases: { test: { steps: [{ name: 'test', run: 'true' }] } },
        artifacts: { bundle: { type: 'archive', producer } },
        release: { on: [{ branch: 'main' }] },
      }),
    })
    const run = await finishedRun(server, await startRun(server, name, commit))
    const logs = await Promise.all(stepsOf(run).map((step) => logOf(server, step)))
    expect(run.status, logs.join('\n')).toBe('success')
    expect(logs.join('\n')).toContain('got ***\n***\n')
    expect(logs.join('\n')).not.toContain('a-token-for')
  })

  it('of the repository come before those of its organisation', async () => {
    await put('acme', 'WHICH', 'of-the-organisation')
    await put('acme', 'ONLY', 'only-the-organisation')
    await put('acme2', 'WHICH', 'of-a-stranger')
    await put(name, 'WHICH', 'of-the-repository')
    const step = (wanted: string[]) => ({
      name: 'show',
      run: 'for v in "$WHICH" "$ONLY"; do printf "%s" "$v" | wc -c; done',
      secrets: wanted,
    })
    const show = async () =>
      (await logOf(server, stepNamed(await runSteps([step(['WHICH', 'ONLY'])]), 'show'))).split(
        '\n',
      )
    expect((await show()).slice(0, 2)).toEqual(['17', '21'])
    const gone = await server.request('DELETE', '/v1/secrets/acme%2Fshop/WHICH')
    expect(gone.status).toBe(204)
    expect((await show()).slice(0, 2)).toEqual(['19', '21'])
  })

  it('that are not defined fail the step, and only it knows what is missing', async () => {
    const run = await runSteps([{ name: 'ask', run: 'echo ran', secrets: ['MISSING', 'GONE'] }])
    expect(run.status).toBe('failed')
    const log = await logOf(server, stepNamed(run, 'ask'))
    expect(log).toBe('Secrets MISSING, GONE are not defined for acme/shop, nor for acme\n')
    expect(tasksOf(run)[0]?.error).toContain('MISSING')
  })

  it('are not given to runs that are not trusted, nor the cache of those that are', async () => {
    await put(name, 'GUARDED', 'a-guarded-secret')
    const file = '"$SLIPWAY_CACHE/kept"'
    const steps = [
      { name: 'keep', run: `cat ${file} || echo nothing; echo kept >${file}` },
      { name: 'ask', run: 'echo ran', secrets: ['GUARDED'], needs: ['keep'] },
    ]
    const own = await runSteps(steps, { trigger_type: 'pull_request' })
    expect(own.status).toBe('success')
    // As the run of a fork's pull request is.
    await database.pool.query(`
      create function distrust() returns trigger language plpgsql as
        $$ begin new.trusted := false; return new; end $$;
      create trigger distrust before insert on runs for each row execute function distrust()`)
    try {
      const foreign = await runSteps(steps, { trigger_type: 'pull_request' })
      expect(foreign.status).toBe('failed')
      const log = await logOf(server, stepNamed(foreign, 'ask'))
      expect(log).toContain('from outside of the repository, and is given no secrets')
      expect(log).not.toContain('ran')
      expect(await logOf(server, stepNamed(foreign, 'keep'))).not.toContain('kept\n')
    } finally {
      await database.pool.query('drop function distrust cascade')
    }
  })

  it('are in no argument while the step runs, and no file when it has ended', async () => {
    const value = 'seen-in-no-command-line'
    await put(name, 'QUIET', value)
    const commit = await repository.commit(
      oneProject([
        {
          name: 'wait',
          run: 'cp "$QUIET_FILE" /dev/null; echo "$QUIET_FILE"; sleep 1.5',
          secrets: ['QUIET', { name: 'QUIET', env: 'QUIET_FILE', file: true }],
        },
      ]),
    )
    const id = await startRun(server, name, commit)
    let lines = ''
    let over = false
    const running = finishedRun(server, id).finally(() => (over = true))
    while (!over) lines += await commandLines()
    const run = await running
    expect(run.status).toBe('success')
    expect(lines).toContain('sleep 1.5')
    expect(lines).not.toContain(value)
    const path = (await logOf(server, stepNamed(run, 'wait'))).trim()
    expect(path).toMatch(/^\/.*\/QUIET$/)
    await expect(readFile(path)).rejects.toThrow('ENOENT')
  })

  it('never leave the server again', async () => {
    const value = 'this-value-is-never-shown'
    const answer = await put('acme', 'SILENT', value)
    expect(answer.status).toBe(201)
    const bodies = [await answer.text()]
    await runSteps([{ name: 'use', run: 'true', secrets: ['SILENT'] }])
    for (const path of ['/v1/secrets?limit=100', '/v1/audit?limit=100']) {
      bodies.push(await (await server.request('GET', path)).text())
    }
    expect(bodies.join()).toContain('SILENT')
    expect(bodies.join()).not.toContain(value)
    expect(server.output.join('\n')).not.toContain(value)
    const { stdout } = await promisify(execFile)(
      'sh',
      ['-c', `grep -rlF -- '${value}' '${server.dataDir}' || true`],
      { maxBuffer: 1 << 24 },
    )
    expect(stdout).toBe('')
    for (const table of ['secrets', 'jobs', 'steps', 'runs', 'events', 'audit_log']) {
      const { rows } = await database.pool.query(
        `select 1 from ${table} t where t::text like '%' || $1 || '%'`,
        [value],
      )
      expect(rows, table).toEqual([])
    }
  })

  it('survive a change of the master key, and are named when their key is not there', async () => {
    await put('acme', 'ROTATED', 'kept-through-rotation')
    const old = (await readFile(join(server.dataDir, 'master-key'), 'utf8')).trim()
    const fresh = 'a'.repeat(64)
    const steps = [{ name: 'use', run: 'printf %s "$ROTATED" | wc -c', secrets: ['ROTATED'] }]
    const length = async () => (await logOf(server, stepNamed(await runSteps(steps), 'use'))).trim()
    const restart = async (env: Record<string, string>) => {
      await server.stop()
      await server.restart(env)
    }

    // The server starts, and whoever asks for a secret hears which.
    await restart({ SLIPWAY_MASTER_KEY: fresh })
    expect(server.output.join('\n')).toContain('encrypted under a master key that this server')
    const run = await runSteps(steps)
    const log = await logOf(server, stepNamed(run, 'use'))
    expect(log).toMatch(/^The secret ROTATED of acme cannot be read: it is encrypted under/)

    await restart({ SLIPWAY_MASTER_KEY: fresh, SLIPWAY_PREVIOUS_MASTER_KEYS: old })
    expect(await length()).toBe('21')
    await server.stop()
    const rotate = (env: Record<string, string>) =>
      promisify(execFile)(
        process.execPath,
        [new URL('../../packages/server/dist/main.js', import.meta.url).pathname, 'rotate-keys'],
        {
          env: {
            PATH: process.env['PATH'] ?? '',
            SLIPWAY_DATA_DIR: server.dataDir,
            DATABASE_URL: database.url,
            ...env,
          },
        },
      )
    await expect(rotate({ SLIPWAY_MASTER_KEY: 'b'.repeat(64) })).rejects.toThrow(
      /The secret .* cannot be read/,
    )
    const env = { SLIPWAY_MASTER_KEY: fresh, SLIPWAY_PREVIOUS_MASTER_KEYS: old }
    const first = await rotate(env)
    expect(first.stdout).toMatch(/"records":[1-9]\d*,"msg":"encrypted anew/)
    expect(first.stdout + first.stderr).not.toContain(old)
    expect((await rotate(env)).stdout).toContain('"records":0')
    await server.restart({ SLIPWAY_MASTER_KEY: fresh })
    expect(await length()).toBe('21')
    const list = await server.json<{ secrets: StepSecret[] }>(
      'GET',
      '/v1/secrets?organisation=acme',
    )
    expect(list.secrets.map((secret) => secret.name)).toContain('ROTATED')
  })
})

async function commandLines(): Promise<string> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))
  const lines = pids.map((pid) =>
    readFile(`/proc/${pid}/cmdline`, 'utf8').then(
      (line) => line.replaceAll('\0', ' '),
      () => '',
    ),
  )
  return (await Promise.all(lines)).join('\n')
}
