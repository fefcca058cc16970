// The permissions that the command line says its commands need are those that the routes ask for: each command's
// first example is typed, at a server that notes what is asked of it.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { notesOf } from '../../packages/cli/src/reference/commands.ts'
import { routeGuards } from '../../packages/server/src/http/route-permissions.ts'
import { callCli } from '../support/call-cli.ts'
import { leavesOf, readProgram } from '../support/cli-help.ts'
import { temporaryDirectory } from '../support/run-cli.ts'

const run = promisify(execFile)

/** What cannot be seen here, or not without more of a server than there is, for this reason. */
const unseen: Readonly<Record<string, string>> = {
  worker: 'it is the server’s program that asks',
  mcp: 'it asks when an assistant does',
  whoami: 'any token will do',
  'run logs': 'it reads the run first, which says where its logs are',
  logs: 'it reads the run first, which says where its logs are',
  'batch cancel': 'it looks for the runs first',
  'batch approve': 'it reads the releases first',
  'batch promote': 'it reads the releases first',
  'approval create': 'it reads the release first',
  'approval show': 'it reads the release first',
  approve: 'it reads the release first',
  'deployment create': 'it reads the release first',
  'deployment rollback': 'it reads the release first',
  promote: 'it reads the release first',
  rollback: 'it reads the history first',
}

/** What a route asks for; undefined: there is no such route. */
function guardOf(method: string, path: string): string | undefined {
  const fits = (route: string) => {
    const [ofMethod, pattern = ''] = route.split(' ')
    const expression = pattern.replaceAll(/:\w+/g, '[^/]+').replace(/\*$/, '.+')
    return ofMethod === method && new RegExp(`^${expression}$`).test(path)
  }
  // Where several fit, it is the one with the fewest places.
  const [best] = Object.entries(routeGuards)
    .filter(([route]) => fits(route))
    .toSorted(([one], [other]) => one.split(':').length - other.split(':').length)
  if (best === undefined) return undefined
  return typeof best[1] === 'string' ? best[1] : 'permission' in best[1] ? best[1].permission : ''
}

const asked: string[] = []
const settings = { WEBUI_NAME: 'Acme', OLD_KEY: 'x' }
const thing = {
  id: 1,
  name: 'acme',
  settings,
  assets: [{ id: 2, target_path: 'static/logo.png' }],
}
const names = ['acme', 'open-webui', 'production', 'harbor', 'acme/shop', 'forge', 'ci']
const one = names.map((name) => ({ ...thing, name }))
/** Enough of every list for a name to be found in it. */
function listsNaming(name: string | null) {
  const found = name === null ? one : one.filter((item) => item.name === name)
  const kinds = ['templates', 'configurations', 'registries', 'repositories', 'credentials']
  return Object.fromEntries([...kinds, 'tokens'].map((kind) => [kind, found]))
}

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://server')
  asked.push(`${request.method} ${pathname}`)
  const isList =
    request.method === 'GET' && pathname !== '/v1/events' && /^\/(api|v1)\/[\w/]+$/.test(pathname)
  const body = isList
    ? { ...thing, ...listsNaming(searchParams.get('name')), total: 1 }
    : { error: { code: 'authorization_failed', message: 'Seen.' } }
  response.writeHead(isList ? 200 : 403, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
})

beforeAll(async () => void (await once(server.listen(0, '127.0.0.1'), 'listening')))
afterAll(() => server.close().closeAllConnections())

/** A checkout with the files that the examples name. */
async function checkout(): Promise<string> {
  const cwd = await temporaryDirectory()
  const git = (...args: string[]) => run('git', ['-C', cwd, ...args])
  await git('init', '-q', '-b', 'main')
  await git('remote', 'add', 'origin', 'https://git.example.com/acme/shop.git')
  await mkdir(join(cwd, '.forge'))
  const author = ['-c', 'user.name=a', '-c', 'user.email=a@example.com']
  await git(...author, 'commit', '-q', '--allow-empty', '-m', 'one')
  for (const name of ['id_ed25519', 'deploy.key', 'logo.png', 'acme.tar.gz']) {
    await writeFile(join(cwd, name), 'x')
  }
  await writeFile(join(cwd, 'rules.json'), '[]')
  return cwd
}

const id = '0190c0de-0000-7000-8000-000000000000'
const commands = leavesOf(await readProgram())
  .map(([path]) => [path, notesOf(path)] as const)
  .filter(([path, notes]) => notes != null && notes.needs !== null && !(path in unseen))

it.each(commands)('slipway %s asks for the permission that it names', async (_path, notes) => {
  asked.length = 0
  const [example = ''] = notes?.examples ?? []
  const words = example.match(/'[^']*'|\S+/g) ?? []
  const cwd = await checkout()
  const files = ['id_ed25519', 'deploy.key', 'logo.png', 'acme.tar.gz', 'rules.json']
  const args = words.slice(1).map((word) => {
    const plain = word.replaceAll("'", '').replace(/^\$\w+$/, id)
    const file = files.find((name) => plain === name || plain.endsWith(`=${name}`))
    return file === undefined ? plain : plain.replace(file, join(cwd, file))
  })
  const { port } = server.address() as AddressInfo
  const env = { SLIPWAY_URL: `http://127.0.0.1:${port}`, SLIPWAY_TOKEN: 'slw_x', HOME: cwd }
  const result = await callCli([...args, '--json'], {
    cwd,
    env,
    input: 'secret',
    onOutput: (_out, interrupt) => interrupt(),
  })
  const guards = asked.map((request) => guardOf(...(request.split(' ') as [string, string])))
  expect(guards, `${asked.join(', ')}\n${result.err}`).toContain(notes?.needs)
  // Besides, only things are looked up by their names.
  const others = guards.filter((guard) => guard !== notes?.needs)
  expect(others.filter((guard) => guard === undefined || !/:(read|manage)$/.test(guard))).toEqual(
    [],
  )
})
