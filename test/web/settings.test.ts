// Tokens, webhooks and secrets, by clicks.
import { createHmac } from 'node:crypto'
import type { RetentionResponse } from '@slipway/contract/retention'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BrowserWindow, startBrowser, type TestBrowser } from '../support/browser.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { startTarget } from '../support/webhook-target.ts'

let server: TestServer
let browser: TestBrowser
let window: BrowserWindow

beforeAll(async () => {
  server = await startTestServer({ SLIPWAY_WEBHOOK_ALLOW_PRIVATE: '127.0.0.1' })
  browser = await startBrowser()
})
afterEach(async () => {
  expect(window.takeComplaints()).toEqual([])
  await window.context.close()
})
afterAll(async () => {
  await browser.close()
  await server.close()
})

describe('tokens', { timeout: 120_000 }, () => {
  it('are made, shown once, work, and are revoked', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, '/settings?tab=tokens')
    await page.getByText('There is no token but the administrator’s.').waitFor()
    await page.getByRole('button', { name: 'New token' }).click()
    const dialog = page.getByRole('dialog', { name: 'New token' })
    expect(await window.findBarriers()).toEqual([])
    await dialog.getByLabel('Name').fill('deploys')
    await dialog.getByLabel('developer').uncheck()
    expect(await dialog.getByRole('button', { name: 'Create' }).isDisabled()).toBe(true)
    await dialog.getByLabel('worker').check()
    expect(await dialog.getByLabel('Repositories').isDisabled()).toBe(true)
    await dialog.getByLabel('worker').uncheck()
    await dialog.getByLabel('viewer').check()
    await dialog.getByLabel('Repositories').fill('acme/shop, acme/web')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await dialog.waitFor({ state: 'detached' })
    const secret = await page.getByRole('status').locator('code').textContent()
    await window.picture('token-made')
    const session = await server.json<{ roles: string[] }>('GET', '/v1/session', {
      token: secret,
    })
    expect(session.roles).toEqual(['viewer'])
    const row = page.getByRole('row', { name: /deploys/ })
    await row.getByText('acme/shop, acme/web').waitFor()

    await page.reload()
    await row.waitFor()
    expect(await page.getByText(secret ?? '').count()).toBe(0)
    await page.getByLabel('Role').selectOption('worker')
    await page.getByText('No token has the role worker.').waitFor()
    await page.getByLabel('Role').selectOption('viewer')
    await row.getByRole('button', { name: 'Rotate' }).click()
    await page.getByRole('dialog').getByLabel('Ends after').fill('2099-12-31')
    expect(await window.findBarriers()).toEqual([])
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    const rotated = await page.getByRole('status').locator('code').textContent()
    const before = await server.request('GET', '/v1/session', { token: secret })
    const after = await server.request('GET', '/v1/session', { token: rotated })
    expect([before.status, after.status]).toEqual([401, 200])
    await window.picture('token-rotated')
    await row.getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Not now' }).click()
    await row.getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await row.waitFor({ state: 'detached' })
    const refused = await server.request('GET', '/v1/session', { token: rotated })
    expect(refused.status).toBe(401)
  })

  it('say what is wrong with what was typed, and keep it', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, '/settings?tab=tokens')
    await page.getByRole('button', { name: 'New token' }).click()
    const dialog = page.getByRole('dialog', { name: 'New token' })
    await dialog.getByLabel('Name').fill('typed with care')
    await dialog.getByLabel('Repositories').fill('not-a-repository')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await dialog.getByRole('alert').waitFor()
    expect(await dialog.getByLabel('Name').inputValue()).toBe('typed with care')
    expect(await dialog.getByLabel('Repositories').inputValue()).toBe('not-a-repository')
    // The browser itself calls the refusal an error.
    expect(window.takeComplaints()).toEqual([expect.stringContaining('400')])
  })
})

describe('webhooks', { timeout: 120_000 }, () => {
  it('are made, tried, sent again, turned off and deleted', async () => {
    const target = await startTarget((response, _received, count) => {
      response.writeHead(count === 2 ? 410 : 204).end()
    })
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, '/settings?tab=webhooks')
    await page.getByText('Nobody is told of events.').waitFor()
    await page.getByRole('button', { name: 'New webhook' }).click()
    const dialog = page.getByRole('dialog', { name: 'New webhook' })
    await dialog.getByLabel('Address').fill(target.url)
    await dialog.getByLabel('Events').fill('release.* deployment.created')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await dialog.waitFor({ state: 'detached' })
    const secret = (await page.getByRole('status').locator('code').textContent()) ?? ''
    expect(secret).toMatch(/^whsec_/)
    const row = page.getByRole('row', { name: /127\.0\.0\.1/ })
    await row.getByText('release.*, deployment.created').waitFor()

    await row.getByRole('button', { name: 'Test' }).click()
    const deliveries = page.getByRole('table', { name: 'Deliveries' })
    const delivered = deliveries.getByRole('row', { name: /delivered/ })
    await delivered.getByText('204').waitFor()
    const [first] = target.received
    const { 'webhook-id': id, 'webhook-timestamp': at } = first?.headers ?? {}
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
    const signature = createHmac('sha256', key)
      .update(`${String(id)}.${String(at)}.${first?.body}`)
      .digest('base64')
    expect(first?.headers['webhook-signature']).toBe(`v1,${signature}`)
    await window.picture('deliveries')
    expect(await window.findBarriers()).toEqual([])

    await delivered.getByRole('button', { name: 'Send again' }).click()
    await expect.poll(() => target.received.length).toBe(2)
    await deliveries.getByText('410').waitFor()

    await row.getByText('off', { exact: true }).waitFor()
    await row.getByRole('button', { name: 'Turn on' }).click()
    await row.getByText('on', { exact: true }).waitFor()
    await row.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByText('Nobody is told of events.').waitFor()
    expect(await deliveries.count()).toBe(0)
  })
})

describe('retention', { timeout: 120_000 }, () => {
  it('is shown, tried, changed, taken back, and refused where it makes no sense', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, '/settings?tab=retention')
    const runs = page.getByRole('table', { name: 'Retention' }).getByRole('row', { name: /^runs/ })
    await runs.getByText('90d').waitFor()
    // The server has made its first pass over each: all of them are noted.
    await expect
      .poll(
        async () => {
          const { retention } = await server.json<RetentionResponse>('GET', '/v1/retention')
          return retention.flatMap(({ parts }) => parts.filter((part) => part.last_pass === null))
        },
        { timeout: 30_000 },
      )
      .toEqual([])
    await page.reload()
    await runs.getByText('0 removed').first().waitFor()
    await window.picture('retention')
    expect(await window.findBarriers()).toEqual([])

    await page.getByRole('button', { name: 'Change' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('The next pass would remove nothing.').waitFor()
    expect(await dialog.getByLabel('audit').count()).toBe(0)
    await dialog.getByLabel('runs').fill('1m')
    await dialog.getByLabel('logs').fill('12h')
    await dialog.getByRole('button', { name: 'Change' }).click()
    await dialog.getByText('must be from 1h to 3650d').first().waitFor()
    await window.picture('retention-refused')
    // The browser itself calls the refusals errors: of the change, and of what was tried.
    for (const complaint of window.takeComplaints()) expect(complaint).toContain('400')
    // Nothing typed is lost.
    await page.reload()
    await page.getByRole('button', { name: 'Change' }).click()
    expect(await dialog.getByLabel('runs').inputValue()).toBe('1m')
    await dialog.getByLabel('runs').fill('30d')
    expect(await window.findBarriers()).toEqual([])
    await dialog.getByRole('button', { name: 'Change' }).click()
    await dialog.waitFor({ state: 'detached' })
    await runs.getByText('30d').waitFor()
    await runs.getByText('admin').waitFor()
    for (const complaint of window.takeComplaints()) expect(complaint).toContain('400')
    const shown = await server.json<RetentionResponse>('GET', '/v1/retention')
    expect(shown.retention.map(({ kept }) => kept)).toEqual(['30d', '12h', '7d', '90d', '365d'])

    await page.getByRole('button', { name: 'Change' }).click()
    await dialog.getByLabel('runs').fill('')
    await dialog.getByRole('button', { name: 'Change' }).click()
    await runs.getByText('90d').waitFor()
  })

  it('is not for people who may not see it, and for operators to look at', async () => {
    const tokenOf = async (role: string) => {
      const body = { name: `the ${role}`, roles: [role] }
      return (await server.json<{ token: string }>('POST', '/v1/tokens', { body })).token
    }
    window = await browser.open()
    await window.signIn(server.url, await tokenOf('operator'), '/settings?tab=retention')
    await window.page.getByRole('table', { name: 'Retention' }).waitFor()
    expect(await window.page.getByRole('button', { name: 'Change' }).count()).toBe(0)
    await window.context.close()
    window = await browser.open()
    await window.signIn(server.url, await tokenOf('developer'), '/settings?tab=retention')
    await window.page.getByRole('table', { name: 'Checks' }).waitFor()
    expect(await window.page.getByRole('tab', { name: 'Retention' }).count()).toBe(0)
  })
})

describe('secrets', { timeout: 120_000 }, () => {
  it('are kept, replaced and deleted, and never shown', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, '/settings?tab=secrets')
    await page.getByText('There is no secret.').waitFor()
    await page.getByRole('button', { name: 'New secret' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('For').fill('acme/shop')
    await dialog.getByLabel('Name').fill('NPM_TOKEN')
    await dialog.getByLabel('Value').fill('hunter2-of-the-registry')
    await dialog.getByRole('button', { name: 'Save' }).click()
    const row = page.getByRole('row', { name: /NPM_TOKEN/ })
    await row.getByText('acme/shop').waitFor()
    await row.getByRole('button', { name: 'Replace' }).click()
    expect(await dialog.getByLabel('Value').inputValue()).toBe('')
    await dialog.getByLabel('Value').fill('another')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'detached' })
    expect(await page.content()).not.toContain('hunter2')
    await row.getByRole('button', { name: 'Delete' }).click()
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await page.getByText('There is no secret.').waitFor()
  })
})
