import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** The document that publishes a version (npm registry API, "PUT /{package}"). */
export interface PublishDocument {
  _id: string
  name: string
  access: string | null
  'dist-tags': Record<string, string>
  versions: Record<string, VersionManifest>
  _attachments: Record<string, { content_type: string; data: string; length: number }>
}

interface VersionManifest {
  _id: string
  name: string
  version: string
  dist: { integrity: string; shasum: string; tarball: string }
}

/** An npm registry on this machine: it takes what npm's own client sends, and refuses what that would not. */
export interface NpmRegistry {
  readonly url: string
  readonly token: string
  /** Every document that was put, refused ones too. */
  readonly documents: PublishDocument[]
  /** Names of the tarballs it has. */
  tarballs(): string[]
  /** Of the next answers to a PUT, in order; each is used once. */
  readonly failures: number[]
  close(): Promise<void>
}

interface Package {
  'dist-tags': Record<string, string>
  versions: Record<string, VersionManifest>
}

export async function startNpmRegistry(): Promise<NpmRegistry> {
  const token = 'npm_token-of-the-test'
  const packages = new Map<string, Package>()
  const tarballs = new Map<string, Buffer>()
  const documents: PublishDocument[] = []
  const failures: number[] = []
  let url = ''

  function publish(name: string, document: PublishDocument): [number, object] {
    const problem = problemWith(name, document)
    if (problem !== null) return [400, { error: problem }]
    const found = packages.get(name) ?? { 'dist-tags': {}, versions: {} }
    for (const [version, manifest] of Object.entries(document.versions)) {
      if (Object.hasOwn(found.versions, version)) {
        return [403, { error: `You cannot publish over the previously published ${version}.` }]
      }
      const file = `${name.replace(/^@[^/]+\//, '')}-${version}.tgz`
      const [attachment] = Object.values(document._attachments)
      tarballs.set(`/${name}/-/${file}`, Buffer.from(attachment?.data ?? '', 'base64'))
      const tarball = `${url}/${name}/-/${file}`
      found.versions[version] = { ...manifest, dist: { ...manifest.dist, tarball } }
    }
    Object.assign(found['dist-tags'], document['dist-tags'])
    packages.set(name, found)
    return [201, { success: true }]
  }

  const server = createServer((request, response) => {
    const answer = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    }
    void (async () => {
      const path = decodeURIComponent(new URL(request.url ?? '/', url).pathname)
      const body = await buffer(request)
      if (request.headers.authorization !== `Bearer ${token}`) return answer(401, {})
      const name = path.slice(1)
      if (request.method === 'PUT') {
        const failure = failures.shift()
        if (failure !== undefined) return answer(failure, { error: 'out of order' })
        const document = JSON.parse(body.toString('utf8')) as PublishDocument
        documents.push(document)
        return answer(...publish(name, document))
      }
      const tarball = tarballs.get(path)
      if (tarball !== undefined) return void response.end(tarball)
      const found = packages.get(name)
      return found === undefined ? answer(404, {}) : answer(200, { name, ...found })
    })().catch((error: unknown) => answer(500, { error: String(error) }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    token,
    documents,
    failures,
    tarballs: () => [...tarballs.keys()],
    async close() {
      server.closeAllConnections()
      await once(server.close(), 'close')
    },
  }
}

function problemWith(name: string, document: PublishDocument): string | null {
  if (document.name !== name || document._id !== name) return 'the name is not that of the path'
  const attachments = Object.entries(document._attachments)
  const versions = Object.entries(document.versions)
  if (attachments.length !== 1 || versions.length !== 1) return 'one version at a time'
  for (const [version, manifest] of versions) {
    const { name: own, version: ownVersion, _id, dist } = manifest
    if (own !== name || ownVersion !== version || _id !== `${name}@${version}`) return 'not its own'
    const [file, { data, length }] = attachments[0] ?? ['', { data: '', length: -1 }]
    if (file !== `${name}-${version}.tgz`) return 'the attachment has another name'
    const tarball = Buffer.from(data, 'base64')
    if (tarball.length !== length) return 'the attachment has another length'
    const sha = (algorithm: string, encoding: 'base64' | 'hex') =>
      createHash(algorithm).update(tarball).digest(encoding)
    if (dist.integrity !== `sha512-${sha('sha512', 'base64')}`) return 'the integrity is wrong'
    if (dist.shasum !== sha('sha1', 'hex')) return 'the shasum is wrong'
    if (!Object.values(document['dist-tags']).includes(version)) return 'no tag names the version'
  }
  return null
}
