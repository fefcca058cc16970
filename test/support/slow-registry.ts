import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const digestOf = (digit: string) => `sha256:${digit.repeat(64)}`
const manifestType = 'application/vnd.docker.distribution.manifest.v2+json'
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: manifestType,
  config: {
    mediaType: 'application/vnd.docker.container.image.v1+json',
    size: 1_000,
    digest: digestOf('a'),
  },
  layers: [
    {
      mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
      size: 1_000_000,
      digest: digestOf('b'),
    },
  ],
})

/** A registry that knows of every image, and never gives one out. */
export async function startSlowRegistry(): Promise<{
  host: string
  /** Resolves when the contents of an image have been asked for. */
  asked: Promise<void>
  close(): Promise<void>
}> {
  let tell = () => {}
  const asked = new Promise<void>((resolve) => (tell = resolve))
  const server = createServer(({ url = '' }, answer) => {
    if (url.includes('/blobs/')) return tell()
    const isManifest = url.includes('/manifests/')
    answer.writeHead(200, { 'content-type': isManifest ? manifestType : 'application/json' })
    answer.end(isManifest ? manifest : '{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      const closed = once(server, 'close')
      server.close().closeAllConnections()
      await closed
    },
  }
}
