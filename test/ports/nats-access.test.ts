// Who gets into NATS, and over what: every kind of credentials, TLS, and what is refused.
import { randomUUID } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createOperator, createAccount, createUser } from '@nats-io/nkeys'
import { afterEach, beforeAll, describe, expect, it, afterAll } from 'vitest'
import type { NatsOptions } from '../../packages/server/src/adapters/job-bus/nats/nats-options.ts'
import { makeCertificates, type TestCertificates } from '../support/certificates.ts'
import { startNats, type TestNats } from '../support/nats.ts'
import { aborted, collect, eventually, newJob, succeed, whyOf } from './job-bus-tools.ts'
import { makeNatsWorld, type NatsWorld } from './nats-world.ts'

let nats: TestNats | null = null
const worlds: NatsWorld[] = []
const files: string[] = []
afterEach(async () => {
  await Promise.all(worlds.splice(0).map((world) => world.close()))
  await nats?.close()
  nats = null
  await Promise.all(files.splice(0).map((file) => rm(file)))
})

async function serve(configuration: string): Promise<void> {
  nats = await startNats({ configuration })
}

async function makeWorld(connection: Partial<NatsOptions>): Promise<NatsWorld> {
  const servers = [nats?.host ?? '']
  const world = await makeNatsWorld({ servers, keepMs: null, connection })
  worlds.push(world)
  return world
}

async function expectWork(connection: Partial<NatsOptions>): Promise<void> {
  const world = await makeWorld(connection)
  await world.openBus()
  const worker = await world.openWorkerBus()
  worker.subscribe({
    workerId: await world.addWorker(['task']),
    types: ['task'],
    capacity: 1,
    handle: () => succeed('done'),
  })
  const job = newJob()
  await world.enqueue([job])
  await eventually(world, job.id).toMatchObject({ state: 'succeeded', result: 'done' })
}

/** A worker's half does not wait to be let in, and says why it is not. */
async function expectRefused(connection: Partial<NatsOptions>, why: RegExp): Promise<void> {
  const world = await makeWorld(connection)
  const worker = await world.openWorkerBus()
  const answer = () => worker.check().then(() => 'let in', String)
  await expect.poll(answer, { timeout: 15_000 }).toMatch(why)
}

describe('credentials', () => {
  it('are a user and a password', async () => {
    await serve('authorization { user: ci, password: "p@ss" }')
    await expectWork({ credentials: { kind: 'password', user: 'ci', password: 'p@ss' } })
    await expectRefused(
      { credentials: { kind: 'password', user: 'ci', password: 'other' } },
      /authorization violation/i,
    )
    await expectRefused({}, /authorization violation/i)
  })

  it('are a token', async () => {
    await serve('authorization { token: s3cr3t }')
    await expectWork({ credentials: { kind: 'token', token: 's3cr3t' } })
    await expectRefused({ credentials: { kind: 'token', token: 'wrong' } }, /authorization/i)
  })

  it('are an nkey', async () => {
    const [ours, other] = [createUser(), createUser()]
    await serve(`authorization { users = [ { nkey: ${ours.getPublicKey()} } ] }`)
    const seedOf = (pair: typeof ours) => Buffer.from(pair.getSeed()).toString()
    await expectWork({ credentials: { kind: 'nkey', seed: seedOf(ours) } })
    await expectRefused({ credentials: { kind: 'nkey', seed: seedOf(other) } }, /authorization/i)
  })

  it('are a file with a token and a key, that may be put right while we try', async () => {
    const [operator, account, system] = [createOperator(), createAccount(), createAccount()]
    const user = createUser()
    const keyOf = (pair: typeof user) => pair.getPublicKey()
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const sign = (issuer: typeof user, subject: typeof user, name: string, nats: object) => {
      const head = encode({ typ: 'JWT', alg: 'ed25519-nkey' })
      const iat = Math.floor(Date.now() / 1000)
      const claims = { jti: randomUUID(), iat, iss: keyOf(issuer), sub: keyOf(subject), name }
      const text = `${head}.${encode({ ...claims, nats: { version: 2, ...nats } })}`
      return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString('base64url')}`
    }
    const unlimited = { subs: -1, data: -1, payload: -1 }
    const limits = { ...unlimited, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 }
    const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 }
    const accountOf = (pair: typeof user, more: object) =>
      sign(operator, pair, 'account', { type: 'account', limits: { ...limits, ...more } })
    await serve(`operator: ${sign(operator, operator, 'operator', { type: 'operator' })}
system_account: ${keyOf(system)}
resolver: MEMORY
resolver_preload: {
  ${keyOf(system)}: ${accountOf(system, {})}
  ${keyOf(account)}: ${accountOf(account, storage)}
}`)
    const path = join(tmpdir(), `slipway-${randomUUID()}.creds`)
    files.push(path)
    const write = (seed: typeof user) =>
      writeFile(
        path,
        `-----BEGIN NATS USER JWT-----
${sign(account, user, 'ci', { type: 'user', ...unlimited })}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${Buffer.from(seed.getSeed()).toString()}
------END USER NKEY SEED------
`,
      )
    await write(createUser())
    const credentials = { kind: 'file', path } as const
    await expectRefused({ credentials }, /authorization/i)
    const waiting = worlds[0]!
    await write(user)
    const bus = await waiting.openWorkerBus()
    const answer = () => bus.check().then(() => 'let in', String)
    await expect.poll(answer, { timeout: 15_000 }).toBe('let in')
    await expectWork({ credentials })
  })
})

describe('permissions', () => {
  it('need be no more than the documentation says', async () => {
    const page = await readFile(new URL('../../docs/nats.md', import.meta.url), 'utf8')
    const user = (role: string) => {
      const [publish = '', subscribe = ''] =
        new RegExp(`^\\| ${role} \\| (\`\\$.*) \\| (.*) \\|$`, 'm').exec(page)?.slice(1) ?? []
      const subjects = (cell: string) => cell.replaceAll('`', '"')
      return `{ user: ${role}, password: x, permissions: {
        publish: [${subjects(publish)}], subscribe: [${subjects(subscribe)}] } }`
    }
    await serve(`authorization { users: [ ${user('server')}, ${user('worker')} ] }`)
    const as = (role: string) => ({ kind: 'password', user: role, password: 'x' }) as const
    const world = await makeWorld({ credentials: as('server'), prefix: '' })
    const bus = await world.openBus()
    const worker = await world.openWorkerBus({
      connection: { ...world.connection, credentials: as('worker') },
    })
    const begun = collect<AbortSignal>()
    worker.subscribe({
      workerId: await world.addWorker(['task']),
      types: ['task'],
      capacity: 1,
      async handle(job, signal) {
        if (job.payload !== 'wait') return { state: 'succeeded', result: 'done' }
        begun.add(signal)
        await aborted(signal)
        throw new Error('stopped')
      },
    })
    const slow = newJob({ runId: randomUUID(), payload: 'wait' })
    await world.enqueue([slow])
    const signal = await begun.next()
    await world.cancel(slow.runId ?? '')
    await aborted(signal)
    expect(whyOf(signal)).toBe('cancelled')
    const job = newJob()
    const replied = new Promise((resolve) => void bus.onReply(job.id, resolve))
    await world.enqueue([job])
    expect(await replied).toMatchObject({ state: 'succeeded', result: 'done' })
    await bus.keep()
    expect((await bus.status()).pending.get('task')).toBe(0)
  })
})

describe('TLS', () => {
  let certificates: TestCertificates
  let serverTls: string
  let client: { certFile: string; keyFile: string }
  beforeAll(async () => {
    certificates = await makeCertificates()
    const server = await certificates.issue('server')
    const { cert, key } = await certificates.issue('client')
    client = { certFile: cert, keyFile: key }
    serverTls = `cert_file: "${server.cert}", key_file: "${server.key}"`
  })
  afterAll(() => certificates.close())

  it('is spoken with an authority of one’s own, to none but whom it certifies', async () => {
    await serve(`tls { ${serverTls} }`)
    await expectWork({ tls: { caFile: certificates.authority, client: null } })
    // The system's authorities do not know this one.
    await expectRefused({}, /certificate/i)
    await expectRefused({ tls: { caFile: null, client: null } }, /certificate/i)
  })

  it('shows a certificate of our own where NATS wants one', async () => {
    await serve(`tls { ${serverTls}, ca_file: "${certificates.authority}", verify: true }`)
    await expectWork({ tls: { caFile: certificates.authority, client } })
    // With TLS 1.3 the client is not told why.
    await expectRefused({ tls: { caFile: certificates.authority, client: null } }, /timeout/i)
  })

  it('is insisted on', async () => {
    await serve('')
    await expectRefused({ tls: { caFile: certificates.authority, client: null } }, /tls/i)
  })
})
