import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { WorkerClient } from './http/open-worker-client.ts'
import { registerRemotely } from './register-remotely.ts'

const worker = { id: randomUUID(), name: 'm', home: 'h', types: ['task'], capacity: 1 }

function registration(answers: readonly object[]) {
  const asked: string[] = []
  const client = {
    async ask(method: string, path: string) {
      asked.push(`${method} ${path}`)
      return answers[asked.length - 1]
    },
  } as unknown as WorkerClient
  return { asked, ...registerRemotely(client, { workerId: worker.id, version: '1.2.3' }) }
}

const answer = (more: object = {}) => ({
  known: false,
  draining: false,
  server_version: '1.2.0',
  ...more,
})

describe('registerRemotely', () => {
  it('takes over the data directory once, and is a heartbeat from then on', async () => {
    const { register, asked } = registration([answer(), answer({ known: true })])
    expect(await register(worker)).toEqual({ known: false, draining: false })
    expect(await register(worker)).toEqual({ known: true, draining: false })
    expect(asked).toEqual(['POST /v1/workers', `PUT /v1/workers/${worker.id}`])
  })

  it('refuses a server of another release, which did not look by itself', async () => {
    const { register } = registration([answer({ server_version: '1.3.0' })])
    await expect(register(worker)).rejects.toMatchObject({
      code: 'resource_conflict',
      message:
        'The server is of version 1.3.0 and this worker of 1.2.3: a worker has to be of the server’s release, 1.3',
      details: { reason: 'version' },
    })
  })

  it('ends what it has in hand where the server was upgraded meanwhile', async () => {
    const later = answer({ known: true, server_version: '2.0.0' })
    const { register } = registration([answer(), later])
    await register(worker)
    expect(await register(worker)).toEqual({ known: true, draining: true })
  })
})
