import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'
import { quote } from './quote.js'

/** `GET /quote?zone=home&kilograms=2` answers the price, `GET /health` that there is a server. */
export function createApi() {
  return createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const [status, body] = answer(url)
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  })
}

function answer(url) {
  if (url.pathname === '/health') return [200, { status: 'ok' }]
  if (url.pathname !== '/quote') return [404, { error: 'there is no such page' }]
  try {
    const { zone, kilograms, orderValue = '0' } = Object.fromEntries(url.searchParams)
    const price = quote({ zone, kilograms: Number(kilograms), orderValue: Number(orderValue) })
    return [200, { price, currency: 'EUR' }]
  } catch (error) {
    return [400, { error: error.message }]
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  createApi().listen(8080, () => console.log('listening on 8080'))
}
