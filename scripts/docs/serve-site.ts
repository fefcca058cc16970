import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
}

/** Shows the built site on this machine, for authors. `refresh` is called before each page. Answers its address. */
export async function serveSite(input: {
  out: string
  /** 0: any that is free. */
  port: number
  refresh: () => Promise<unknown>
}): Promise<string> {
  const server = createServer((request, response) => {
    const answer = async () => {
      const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname))
      const name = path.endsWith('/') ? `${path}index.html` : path
      if (name.endsWith('.html')) await input.refresh()
      const body = await readFile(join(input.out, name))
      response.writeHead(200, {
        'content-type': types[extname(name)] ?? 'application/octet-stream',
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'self'; base-uri 'none'; frame-ancestors 'none'",
      })
      response.end(body)
    }
    answer().catch(() => response.writeHead(404).end('There is no such page'))
  })
  server.listen(input.port, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}
