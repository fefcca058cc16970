import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { createApi } from '../src/server.js'

const server = createApi()
let base

before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  base = `http://127.0.0.1:${server.address().port}`
})

after(() => server.close())

test('a quote over HTTP', async () => {
  const response = await fetch(`${base}/quote?zone=home&kilograms=2`)
  assert.equal(response.status, 200)
  assert.deepEqual(await response.json(), { price: 6.1, currency: 'EUR' })
})

test('an unknown zone is the client’s mistake', async () => {
  const response = await fetch(`${base}/quote?zone=moon&kilograms=2`)
  assert.equal(response.status, 400)
})

test('health', async () => {
  const response = await fetch(`${base}/health`)
  assert.deepEqual(await response.json(), { status: 'ok' })
})
