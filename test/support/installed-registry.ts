import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** An npm registry that has what is installed here, at the same versions: nothing is asked of any other. */
export interface InstalledRegistry {
  readonly url: string
  close(): Promise<void>
}

interface Manifest {
  name: string
  version: string
  dependencies?: Record<string, string>
}

/** Has the packages that the one in `root` depends on, and those that these do, packed into `directory`. */
export async function serveInstalled(root: string, directory: string): Promise<InstalledRegistry> {
  const places = new Map<string, Manifest>()
  await collect(root, places)
  await mkdir(directory)
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', directory]
  const { stdout } = await run('npm', [...pack, ...places.keys()], { cwd: directory })
  const packed = JSON.parse(stdout) as { name: string; version: string; filename: string }[]

  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '').slice(1)
    const tarball = packed.find(({ filename }) => path === `-/${filename}`)
    if (tarball !== undefined) {
      void readFile(join(directory, tarball.filename)).then((bytes) => response.end(bytes))
      return
    }
    const versions = packed.filter(({ name }) => name === path)
    const [latest] = versions
    if (latest === undefined) return void response.writeHead(404).end('{}')
    const manifests = versions.map(({ version, filename }) => {
      const manifest = [...places.values()].find(
        (each) => each.name === path && each.version === version,
      )
      return [version, { ...manifest, dist: { tarball: `${url}/-/${filename}` } }] as const
    })
    const document = {
      name: path,
      'dist-tags': { latest: latest.version },
      versions: Object.fromEntries(manifests),
    }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(document))
    return undefined
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    async close() {
      server.close().closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function collect(root: string, places: Map<string, Manifest>): Promise<void> {
  const { dependencies = {} } = await manifestOf(root)
  for (const name of Object.keys(dependencies)) {
    const place = await locate(name, root)
    if (places.has(place)) continue
    places.set(place, await manifestOf(place))
    await collect(place, places)
  }
}

async function manifestOf(place: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(place, 'package.json'), 'utf8')) as Manifest
}

/** Where a package is that the one in `from` needs. */
async function locate(name: string, from: string): Promise<string> {
  for (const base of createRequire(join(from, 'package.json')).resolve.paths(name) ?? []) {
    const place = join(base, name)
    const isThere = await manifestOf(place).then(
      () => true,
      () => false,
    )
    if (isThere) return place
  }
  throw new Error(`${name} is not installed`)
}
