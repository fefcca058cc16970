import { randomBytes, randomUUID } from 'node:crypto'
import type { CreatedWebhook } from '@slipway/contract/webhooks'
import { expect } from 'vitest'
import { openVault } from '../../packages/server/src/secrets/index.ts'
import { createTargetGuard } from '../../packages/server/src/webhooks/index.ts'
import { createTestApp, type TestRequest } from './http.ts'

const names: Readonly<Record<string, string>> = {
  'example.com': '93.184.216.34',
  'intern.example.com': '10.1.2.3',
}

/** Where the webhooks of these tests go, if nothing else is said. */
export const webhookUrl = 'https://example.com/hooks/slipway'

/** The application with webhooks, of which none is ever sent. */
export async function createWebhookApp() {
  let woken = 0
  const app = await createTestApp({}, (db) => ({
    webhooks: {
      db,
      wakeEvents: () => {},
      wakeJobs: () => {},
      wakeSender: () => void (woken += 1),
      vault: openVault([randomBytes(32)]),
      target: createTargetGuard({
        allowed: ['192.168.7.0/24'],
        rememberMs: 0,
        async resolve(host) {
          const address = names[host]
          if (address === undefined) throw new Error('not found')
          return [{ address, family: 4 }]
        },
      }),
    },
  }))
  return {
    ...app,
    /** How often the sender was told to look. */
    woken: () => woken,
    async create(body: object = {}, more: TestRequest = {}): Promise<CreatedWebhook> {
      const input = { body: { url: webhookUrl, ...body }, ...more }
      const answer = await app.request('POST', '/v1/webhooks', input)
      expect(answer.statusCode, answer.body).toBe(201)
      return answer.json()
    },
    /** Writes a delivery as the outbox's reader does; answers its id. */
    async deliver(webhookId: string, over: Record<string, unknown> = {}): Promise<string> {
      const row = {
        id: randomUUID(),
        webhook_id: webhookId,
        message_id: randomUUID(),
        event_seq: Math.floor(Math.random() * 1e9),
        event_type: 'release.created',
        repository: 'acme/shop',
        body: '{"event_type":"release.created"}',
        status: 'delivered',
        attempt: 1,
        next_attempt_at: null,
        created_at: new Date(),
        completed_at: new Date(),
        ...over,
      }
      const columns = Object.keys(row)
      await app.database.pool.query(
        `insert into webhook_deliveries (${columns.join(', ')})
         values (${columns.map((_, index) => `$${index + 1}`).join(', ')})`,
        Object.values(row),
      )
      return row.id
    },
  }
}

export type WebhookApp = Awaited<ReturnType<typeof createWebhookApp>>
