// Where webhooks may not go: names that resolve to what only this server can reach, whenever they do.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { LookupAddress } from 'node:dns'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createTargetGuard, updateWebhook } from '../../packages/server/src/webhooks/index.ts'
import { everybody, isDelivered, isPending, openWebhookRoom } from '../support/webhook-room.ts'
import { startTarget } from '../support/webhook-target.ts'

const v4 = (address: string): LookupAddress => ({ address, family: 4 })
// Stands for the public internet; all other addresses of this machine are forbidden as ever.
const allowed = ['127.0.0.1']

/** The same port on another address of this machine, which nobody may reach. */
async function startForbidden(port: number): Promise<{ requests(): number }> {
  let requests = 0
  const server: Server = createServer((_request, response) => {
    requests += 1
    response.end()
  })
  server.listen(port, '127.0.0.2')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  expect((server.address() as AddressInfo).port).toBe(port)
  return { requests: () => requests }
}

describe('a name', () => {
  it('is connected to at the address that was checked, however it resolves the second time', async () => {
    const answers: LookupAddress[][] = []
    const asked: string[] = []
    const target = await startTarget()
    const forbidden = await startForbidden(target.port)
    const room = await openWebhookRoom({
      allowed,
      resolve: async (host) => {
        asked.push(host)
        return answers[asked.length - 1] ?? [v4('127.0.0.2')]
      },
    })
    answers.push([v4('127.0.0.1')], [v4('127.0.0.1')])
    const webhook = await room.create({ url: `http://rebind.test:${target.port}/hook` })
    await room.emit()
    await room.delivery(webhook, isDelivered)
    // Once at its creation, once for the delivery: nobody asked again to connect.
    expect(asked).toEqual(['rebind.test', 'rebind.test'])
    expect(target.received[0]!.headers.host).toBe(`rebind.test:${target.port}`)

    await room.emit()
    const refused = await room.delivery(webhook, isPending)
    expect(refused.error).toBe(
      'rebind.test has the address 127.0.0.2, which is this machine; webhooks go to the public internet only',
    )
    expect(target.received).toHaveLength(1)
    expect(forbidden.requests()).toBe(0)
  })

  it('is refused when one of its addresses is, whichever would be taken', async () => {
    const target = await startTarget()
    let answer = [v4('127.0.0.1')]
    const room = await openWebhookRoom({ allowed, resolve: async () => answer })
    const webhook = await room.create({ url: `http://two.test:${target.port}/` })
    answer = [v4('127.0.0.1'), { address: '::ffff:10.0.0.1', family: 6 }]
    await room.emit()
    expect((await room.delivery(webhook, isPending)).error).toContain('a private network')
    expect(target.connections()).toBe(0)
  })

  it('that has no address just now is taken, and tried again', async () => {
    const target = await startTarget()
    let known = false
    const resolve = async () => {
      if (!known) throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' })
      return [v4('127.0.0.1')]
    }
    const room = await openWebhookRoom({ allowed, resolve })
    const webhook = await room.create({ url: `http://later.test:${target.port}/` })
    await room.emit()
    expect((await room.delivery(webhook, isPending)).error).toBe('later.test cannot be resolved')
    known = true
    await room.hurry()
    await room.delivery(webhook, isDelivered)
  })

  it('whose servers are silent takes no longer than any other failure', async () => {
    let silent = false
    const resolve = () =>
      silent ? new Promise<LookupAddress[]>(() => {}) : Promise.resolve([v4('127.0.0.1')])
    const room = await openWebhookRoom({ allowed, resolve, timeoutMs: 300 })
    const webhook = await room.create({ url: 'http://silent.test/' })
    silent = true
    await room.emit()
    expect((await room.delivery(webhook, isPending)).error).toBe('there was no answer within 0.3 s')
  })

  it('is looked up once for many at a time, and again when the answer is old', async () => {
    let asked = 0
    const resolve = async () => {
      asked += 1
      return [v4('8.8.8.8')]
    }
    const never = new AbortController().signal
    const url = new URL('https://example.com/')
    const remembering = createTargetGuard({ allowed: [], resolve })
    await Promise.all(Array.from({ length: 10 }, () => remembering.addresses(url, never)))
    await remembering.addresses(url, never)
    expect(asked).toBe(1)
    const forgetting = createTargetGuard({ allowed: [], resolve, rememberMs: 0 })
    await forgetting.addresses(url, never)
    await forgetting.addresses(url, never)
    expect(asked).toBe(3)
  })
})

describe('a change of the address', () => {
  it('is checked as the first one was', async () => {
    const room = await openWebhookRoom({
      running: false,
      resolve: async () => [v4('10.1.2.3')],
      allowed: [],
    })
    const { id } = await room.create({ url: 'https://1.1.1.1/' })
    const change = (url: string) =>
      updateWebhook(room.deps, { principal: everybody, id, request: { url } })
    await expect(change('http://169.254.169.254/latest/meta-data')).rejects.toMatchObject({
      code: 'invalid_request',
    })
    await expect(change('http://intern.test/')).rejects.toMatchObject({ code: 'invalid_request' })
    const { rows } = await room.database.pool.query('select url from webhooks')
    expect(rows).toEqual([{ url: 'https://1.1.1.1/' }])
  })
})

describe('what is allowed', () => {
  const never = new AbortController().signal
  const resolve = async () => [v4('192.168.1.5')]
  const check = (allow: readonly string[], url: string) => {
    const guard = createTargetGuard({ allowed: allow, resolve })
    return guard.addresses(guard.read(url), never)
  }

  it('is a network, an address or a name, and nothing beside it', async () => {
    for (const allow of ['192.168.0.0/16', '192.168.1.5', 'chat.intern', 'CHAT.intern']) {
      expect(await check([allow], 'http://Chat.Intern./')).toEqual([v4('192.168.1.5')])
    }
    for (const allow of ['192.168.2.0/24', '192.168.1.4', 'intern', 'other.chat.intern']) {
      await expect(check([allow], 'http://chat.intern/')).rejects.toThrow('a private network')
    }
  })

  it.each([
    'ftp://1.1.1.1/',
    'file:///etc/passwd',
    'http://user@1.1.1.1/',
    'http://:password@1.1.1.1/',
    'http://1.1.1.1:25/',
    'http://1.1.1.1:6379/',
    'http://127.1/',
    'http://0x7f000001/',
    'http://0/',
    'http://[::1]/',
    'http://[::ffff:a00:1]/',
    'http://192.168.1.5/',
    'nonsense',
  ])('is not %s', async (url) => {
    await expect(async () => check([], url)).rejects.toThrow(/^(127|10|0|::|192|it |the port)/)
  })
})
