// What docs/webhooks.md shows to verify deliveries with is run here, on real ones.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fencedBlocks, repositoryRoot } from '../support/markdown.ts'
import { temporaryDirectory } from '../support/run-cli.ts'
import { isDelivered, openWebhookRoom } from '../support/webhook-room.ts'
import { startTarget } from '../support/webhook-target.ts'

async function blockOf(language: string, words: string): Promise<string> {
  const page = await readFile(join(repositoryRoot, 'docs/webhooks.md'), 'utf8')
  const found = fencedBlocks(page).filter(
    (block) => block.language === language && block.content.includes(words),
  )
  expect(found).toHaveLength(1)
  return found[0]!.content
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

describe('the page about webhooks', () => {
  it('has a receiver in Node that takes what is genuine, and nothing else', async () => {
    const room = await openWebhookRoom()
    const port = await freePort()
    const url = `http://127.0.0.1:${port}/`
    const webhook = await room.create({ url })
    const file = join(await temporaryDirectory(), 'receiver.mjs')
    await writeFile(file, await blockOf('js', 'createServer'))
    const receiver = spawn(process.execPath, [file], {
      env: { WEBHOOK_SECRET: webhook.secret, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let printed = ''
    receiver.stdout.on('data', (chunk: Buffer) => void (printed += chunk.toString()))
    onTestFinished(async () => {
      receiver.kill('SIGKILL')
      await once(receiver, 'exit')
    })
    const post = (headers: Record<string, string>) =>
      fetch(url, { method: 'POST', body: '{}', headers }).then(
        ({ status }) => status,
        () => 0,
      )
    await expect.poll(() => post({})).toBe(401)
    const at = String(Math.floor(Date.now() / 1000))
    const forged = { 'webhook-id': 'x', 'webhook-timestamp': at, 'webhook-signature': 'v1,AAAA' }
    expect(await post(forged)).toBe(401)
    await room.emit()
    expect(await room.delivery(webhook, isDelivered)).toMatchObject({ response_status: 204 })
    expect(printed).toMatch(/^pipeline\.run\.started \{/)
  })

  it('has a shell script that prints the signature', async () => {
    const room = await openWebhookRoom()
    const target = await startTarget()
    const webhook = await room.create({ url: target.url })
    await room.emit()
    await expect.poll(() => target.received.length).toBe(1)
    const [{ headers, body }] = target.received as [(typeof target.received)[0]]
    const cwd = await temporaryDirectory()
    await writeFile(join(cwd, 'body.json'), body)
    const script = await blockOf('sh', 'openssl')
    const { stdout } = await promisify(execFile)('bash', ['-eo', 'pipefail', '-c', script], {
      cwd,
      env: {
        PATH: process.env.PATH ?? '',
        WEBHOOK_SECRET: webhook.secret,
        WEBHOOK_ID: String(headers['webhook-id']),
        WEBHOOK_TIMESTAMP: String(headers['webhook-timestamp']),
      },
    })
    expect(stdout).toBe(`${String(headers['webhook-signature'])}\n`)
  })
})
