// Webhooks of a real server: over kill -9, over TLS, and not into its own network.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type {
  CreatedWebhook,
  Delivery,
  DeliveryDetails,
  ListDeliveriesResponse,
} from '@slipway/contract/webhooks'
import { Webhook } from 'standardwebhooks'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { finishedRun, startRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { temporaryDirectory } from '../support/run-cli.ts'
import { startTarget } from '../support/webhook-target.ts'

const run = promisify(execFile)
let server: TestServer
afterEach(() => server.close())

const local = { SLIPWAY_WEBHOOK_ALLOW_PRIVATE: '127.0.0.0/8,localhost' }
const create = (body: object) => server.json<CreatedWebhook>('POST', '/v1/webhooks', { body })

/** The webhook's deliveries once all of them are as `condition` says. */
async function deliveriesOf(
  webhook: { id: string },
  condition: (all: Delivery[]) => boolean,
  timeout = 40_000,
): Promise<Delivery[]> {
  let all: Delivery[] = []
  const path = `/v1/webhooks/${webhook.id}/deliveries?limit=100`
  await expect
    .poll(
      async () => {
        all = (await server.json<ListDeliveriesResponse>('GET', path)).deliveries
        return condition(all)
      },
      { timeout, interval: 50 },
    )
    .toBe(true)
  return all
}
const allDelivered = (count: number) => (all: Delivery[]) =>
  all.length >= count && all.every(({ status }) => status === 'delivered')

describe('kill -9', () => {
  it('in the middle of an attempt leads to another one, with the same id', async () => {
    server = await startTestServer(local)
    let hang = true
    const target = await startTarget((response) => void (hang || response.end('ok')))
    const webhook = await create({ url: target.url })
    await server.json('POST', `/v1/webhooks/${webhook.id}/test`)
    await expect.poll(() => target.received.length).toBe(1)
    await server.kill()
    hang = false
    await server.restart()
    const [delivery] = await deliveriesOf(webhook, allDelivered(1))
    const path = `/v1/webhooks/${webhook.id}/deliveries/${delivery!.id}`
    const details = await server.json<DeliveryDetails>('GET', path)
    expect(details.attempts.map(({ error }) => error)).toEqual([
      'the server ended during this attempt',
      null,
    ])
    const ids = target.received.map(({ headers }) => headers['webhook-id'])
    expect(ids).toEqual([delivery!.message_id, delivery!.message_id])
    const [, sent] = target.received
    const verified = new Webhook(webhook.secret).verify(
      sent!.body,
      sent!.headers as Record<string, string>,
    )
    expect(verified).toMatchObject({ event_type: 'slipway.ping' })
  }, 60_000)

  it('at any moment loses no event', async () => {
    server = await startTestServer(local)
    const target = await startTarget()
    const webhook = await create({ url: target.url, events: ['pipeline.run.*'] })
    const runs: string[] = []
    for (let round = 0; round < 3; round++) {
      // There is no such repository: each run begins, and fails in discovery.
      for (const branch of ['a', 'b', 'c']) {
        runs.push(await startRun(server, 'acme/none', 'abc123d', { branch: `${branch}${round}` }))
      }
      const before = target.received.length
      await expect.poll(() => target.received.length).toBeGreaterThan(before)
      await server.kill()
      await server.restart()
    }
    for (const id of runs) await finishedRun(server, id)
    await deliveriesOf(webhook, allDelivered(runs.length * 3))
    for (const id of runs) {
      const types = target.received
        .filter(({ event }) => event.data.run_id === id)
        .map(({ event }) => event.event_type)
      expect(new Set(types)).toEqual(
        new Set(['pipeline.run.created', 'pipeline.run.completed', 'pipeline.run.failed']),
      )
    }
  }, 120_000)
})

describe('a server as it comes', () => {
  it('sends nothing to its own machine or network', async () => {
    server = await startTestServer()
    for (const url of [`${server.url}/v1/tokens`, 'http://localhost/', 'http://10.0.0.1/']) {
      const answer = await server.request('POST', '/v1/webhooks', { body: { url } })
      expect(answer.status).toBe(400)
      expect(await answer.json()).toMatchObject({
        error: { code: 'invalid_request', details: { problems: [{ path: '/url' }] } },
      })
    }
  })
})

describe('over TLS', () => {
  /** A certificate for `name`, signed by an authority of its own, in `directory`. */
  async function certify(directory: string, name: string) {
    const at = (file: string) => join(directory, file)
    const curve = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2'
    const openssl = (args: string) => run('openssl', args.split(' '), { cwd: directory })
    await openssl(`req -x509 ${curve} -keyout ca.key -out ca.pem -subj /CN=authority`)
    await openssl(
      `req -x509 ${curve} -keyout key.pem -out cert.pem -subj /CN=${name} ` +
        `-CA ca.pem -CAkey ca.key -addext subjectAltName=DNS:${name}`,
    )
    return { authority: at('ca.pem'), cert: at('cert.pem'), key: at('key.pem') }
  }

  async function startTls(files: { cert: string; key: string }) {
    const [cert, key] = await Promise.all([readFile(files.cert), readFile(files.key)])
    const seen: string[] = []
    const target = createServer({ cert, key }, (request, response) => {
      seen.push(request.headers.host ?? '')
      response.end()
    })
    target.on('tlsClientError', () => {})
    target.listen(0, '127.0.0.1')
    await once(target, 'listening')
    onTestFinished(() => {
      target.closeAllConnections()
      target.close()
    })
    return { port: (target.address() as AddressInfo).port, seen }
  }

  it('trusts a certificate that is signed and has the host’s name', async () => {
    const files = await certify(await temporaryDirectory(), 'localhost')
    server = await startTestServer({ ...local, NODE_EXTRA_CA_CERTS: files.authority })
    const { port, seen } = await startTls(files)
    const webhook = await create({ url: `https://localhost:${port}/` })
    await server.json('POST', `/v1/webhooks/${webhook.id}/test`)
    await deliveriesOf(webhook, allDelivered(1))
    expect(seen).toEqual([`localhost:${port}`])
  })

  it('refuses one for another name, and one of nobody it knows', async () => {
    const files = await certify(await temporaryDirectory(), 'other.test')
    const unknown = await certify(await temporaryDirectory(), 'localhost')
    server = await startTestServer({ ...local, NODE_EXTRA_CA_CERTS: files.authority })
    for (const { port, seen } of [await startTls(files), await startTls(unknown)]) {
      const webhook = await create({ url: `https://localhost:${port}/` })
      await server.json('POST', `/v1/webhooks/${webhook.id}/test`)
      const [failed] = await deliveriesOf(webhook, ([one]) => one?.error != null)
      expect(failed!.error).toMatch(/altnames|certificate/)
      expect(seen).toEqual([])
    }
  })
})
