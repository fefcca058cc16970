// `slipway webhook …` against a real server, with a real receiver.
import { randomBytes, randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Delivery, DeliveryDetails, Webhook } from '@slipway/contract/webhooks'
import { Webhook as Verifier } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callCli } from '../support/call-cli.ts'
import { temporaryDirectory } from '../support/run-cli.ts'
import { startRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { startTarget, status } from '../support/webhook-target.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ SLIPWAY_WEBHOOK_ALLOW_PRIVATE: '127.0.0.1' })
})
afterAll(() => server.close())

const slipway = (...args: string[]) =>
  callCli(args, { env: { SLIPWAY_URL: server.url, SLIPWAY_TOKEN: server.token } })
async function asJson<T>(args: string[], expected = 0): Promise<T> {
  const { code, out, err } = await slipway('--json', ...args)
  expect(code, err).toBe(expected)
  return JSON.parse(out) as T
}
const create = (...args: string[]) =>
  asJson<Webhook & { secret: string }>(['webhook', 'create', ...args])

describe('slipway webhook', () => {
  it('prints the secret alone, and sends what it signs', async () => {
    const target = await startTarget(status(200, {}, 'thank you\nvery \u001b[2Jmuch'))
    const made = await slipway('webhook', 'create', target.url, '--event', 'pipeline.run.*')
    expect(made.out).toMatch(/^whsec_[A-Za-z0-9+/]{43}=\n$/)
    const id = /^Made (\S+)$/m.exec(made.err)?.[1] ?? ''
    const tested = await slipway('webhook', 'test', id)
    expect(tested.code).toBe(0)
    expect(tested.out).toMatch(
      /^delivered {2}slipway\.ping {2}\S+\n {2}1\. [\d-]{10} [\d:]{8} {2}200, \d+ms\n/,
    )
    expect(tested.out).toContain('     thank you\n     very much\n')
    const [sent] = target.received
    const verifier = new Verifier(made.out.trim())
    expect(verifier.verify(sent!.body, sent!.headers as Record<string, string>)).toBeTruthy()

    await startRun(server, 'acme/none', 'abc123d', { branch: randomUUID() })
    await expect.poll(() => target.received.length).toBeGreaterThanOrEqual(4)
    const { deliveries } = await asJson<{ deliveries: Delivery[] }>(['webhook', 'deliveries', id])
    expect(deliveries.map((one) => one.event_type)).toEqual(
      expect.arrayContaining(['pipeline.run.created', 'slipway.ping']),
    )
    const limited = await slipway('webhook', 'deliveries', id, '-n', '1', '--status', 'delivered')
    expect(limited.out).toMatch(
      /^ID +EVENT +STATUS +TRIES +MADE +ANSWER\n\S+ +pipeline\.run\.\S+ +delivered +1 +[\d-]{10} [\d:]{8} +200\n$/,
    )
    await slipway('webhook', 'delete', id)
  })

  it('lists, shows, changes and deletes', async () => {
    const { id } = await create('https://1.1.1.1/a', '-r', 'acme/shop', '--description', 'chat')
    const list = await slipway('webhook', 'list')
    expect(list.out).toMatch(/^ID +TARGET +EVENTS +REPOSITORIES +STATE\n/)
    expect(list.out).toContain(`${id}  https://1.1.1.1/a  all     acme/shop     enabled\n`)
    const shown = await slipway('webhook', 'show', id)
    expect(shown.out).toContain('target: https://1.1.1.1/a\n')
    expect(shown.out).toContain('description: chat\n')
    const change = (...args: string[]) => asJson<Webhook>(['webhook', 'update', id, ...args])
    expect(
      await change('--target', 'https://1.1.1.1/b', '--event', 'release.*', '--all-repositories'),
    ).toMatchObject({ url: 'https://1.1.1.1/b', events: ['release.*'], repositories: null })
    expect(
      await change('--all-events', '-r', 'a/b', '--description', '', '--disable'),
    ).toMatchObject({ events: null, repositories: ['a/b'], description: null, enabled: false })
    expect((await change('--enable')).enabled).toBe(true)
    expect((await slipway('webhook', 'update', id)).code).toBe(2)
    expect((await slipway('webhook', 'update', id, '--enable', '--disable')).code).toBe(2)
    const refused = await slipway('webhook', 'update', id, '--target', 'http://10.0.0.1/')
    expect(refused.code).toBe(4)
    expect(refused.err).toContain('a private network')
    expect((await slipway('webhook', 'delete', id)).err).toBe(`Deleted ${id}\n`)
    expect((await slipway('webhook', 'show', id)).code).toBe(4)
  })

  it('takes a secret from a file, and gives it another', async () => {
    const file = join(await temporaryDirectory(), 'secret')
    const secret = `whsec_${randomBytes(32).toString('base64')}`
    await writeFile(file, `${secret}\n`)
    const { id, secret: taken } = await create('https://1.1.1.1/', '--secret-file', file)
    expect(taken).toBe(secret)
    const rotated = await slipway('webhook', 'rotate-secret', id)
    expect(rotated.out).toMatch(/^whsec_/)
    expect(rotated.out.trim()).not.toBe(secret)
    const missing = await slipway('webhook', 'create', 'https://1.1.1.1/', '--secret-file', 'none')
    expect(missing).toMatchObject({ code: 2, out: '' })
    expect(missing.err).toContain('none cannot be read (ENOENT)')
    await slipway('webhook', 'delete', id)
  })

  it('says when nothing arrives, and sends again', async () => {
    let code = 410
    // The first ping never arrives, whenever it is tried again.
    let first: unknown
    const target = await startTarget((response, received, count) => {
      const messageId = received.headers['webhook-id']
      first ??= messageId
      status(messageId === first ? 500 : code)(response, received, count)
    })
    const { id } = await create(target.url, '--event', 'release.*')
    const failed = await slipway('webhook', 'test', id)
    expect(failed.code).toBe(1)
    expect(failed.out).toMatch(/^pending .*\n {2}1\. .* {2}it answered 500, .*\n {2}next attempt /)
    const { deliveries } = await asJson<{ deliveries: Delivery[] }>(['webhook', 'deliveries', id])
    const [ping] = deliveries
    expect((await slipway('webhook', 'redeliver', id, ping!.id)).code).toBe(4)
    const gone = await asJson<DeliveryDetails>(['webhook', 'test', id], 1)
    expect(gone.status).toBe('dead')
    expect((await slipway('webhook', 'list')).out).toContain(
      'disabled: the target answered that it is gone (410)',
    )
    code = 200
    await slipway('webhook', 'update', id, '--enable')
    const again = await asJson<DeliveryDetails>(['webhook', 'redeliver', id, gone.id])
    expect(again).toMatchObject({ status: 'delivered', redelivery_of: gone.id })
    const shown = await slipway('webhook', 'deliveries', id, gone.id)
    expect(shown.out).toMatch(/^dead {2}slipway\.ping/)
    expect(shown.out).toContain('it answered 410')
  })
})

describe('slipway events', () => {
  it('-f follows what happens', async () => {
    const branch = randomUUID()
    await startRun(server, 'acme/none', 'abc123d', { branch })
    const args = ['events', '-f', '--after', '0', '--type', 'pipeline.run.created', '-n', '1']
    const { code, out } = await slipway(...args)
    expect(code).toBe(0)
    expect(out).toContain('pipeline.run.created')
  })
})
