// The package as somebody gets it: packed, installed into an empty directory, compiled against and run. What
// its pages say in TypeScript compiles against it, too.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { serveInstalled } from '../support/installed-registry.ts'
import { fencedBlocks, repositoryRoot } from '../support/markdown.ts'

const run = promisify(execFile)
const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 })

let directory: string
let consumer: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-package-'))
  consumer = join(directory, 'consumer')
  await mkdir(consumer)
  const sdk = join(repositoryRoot, 'packages/sdk')
  const registry = await serveInstalled(sdk, join(directory, 'registry'))
  try {
    // As docs/sdk.md says.
    const ours = ['--workspace', 'packages/contract', '--workspace', 'packages/sdk']
    const pack = ['pack', ...ours, '--pack-destination', consumer, ...quiet]
    await run('npm', pack, { cwd: repositoryRoot })
    await writeFile(join(consumer, 'package.json'), '{ "private": true, "type": "module" }')
    const files = (await readdir(consumer)).filter((name) => name.endsWith('.tgz'))
    const tarballs = files.map((name) => `./${name}`)
    const from = ['--registry', registry.url, '--cache', join(directory, 'cache')]
    await run('npm', ['install', ...from, ...quiet, ...tarballs], { cwd: consumer })
  } finally {
    await registry.close()
  }
})
afterAll(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }))

it('has what is used of it, its examples, and no tests', async () => {
  const files = await readdir(join(consumer, 'node_modules/@slipway/sdk'), { recursive: true })
  expect(files).toEqual(
    expect.arrayContaining([
      'README.md',
      'dist/index.js',
      'dist/index.d.ts',
      'dist/sockets/node-web-socket.js',
      'dist/sockets/page-web-socket.js',
      'examples/follow-live.ts',
    ]),
  )
  expect(files.filter((name) => /\.test\.|tsbuildinfo/.test(name))).toEqual([])
})

it('runs, sockets too', async () => {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end('{"status":"healthy"}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => server.close().closeAllConnections())
  new WebSocketServer({ server }).on('connection', (socket) => {
    socket.send('{"type":"phase2.channels","channels":[]}')
    socket.on('message', () => {
      socket.send('{"type":"phase2.subscribed","subscribed":["pipelines"],"failed":[]}')
      socket.send('{"type":"phase2.event","channel":"pipelines","event":"pipeline:x","data":{}}')
    })
  })
  await writeFile(
    join(consumer, 'main.js'),
    `import { createClient, SlipwayError } from '@slipway/sdk'
     const client = createClient({ baseUrl: process.argv[2] })
     console.log((await client.health()).status)
     for await (const { event } of client.pipelines.subscribe()) {
       console.log(event)
       break
     }
     const refused = createClient({ baseUrl: 'http://127.0.0.1:1', retries: 0 })
     for await (const _ of refused.jobs.subscribe({ repositories: ['a/b'] })) {}
    `,
  )
  const { port } = server.address() as AddressInfo
  const failed = run(process.execPath, ['main.js', `http://127.0.0.1:${port}`], { cwd: consumer })
  await expect(failed).rejects.toMatchObject({
    stdout: 'healthy\npipeline:x\n',
    stderr: expect.stringContaining('SlipwayError: No socket.io') as string,
  })
})

it('compiles with what uses it: its examples, and what its pages say', async () => {
  const sources = join(consumer, 'src')
  await cp(join(consumer, 'node_modules/@slipway/sdk/examples'), sources, { recursive: true })
  let blocks = 0
  for (const page of ['docs/sdk.md', 'packages/sdk/README.md']) {
    const text = await readFile(join(repositoryRoot, page), 'utf8')
    for (const { language, content } of fencedBlocks(text)) {
      if (language !== 'ts') continue
      blocks += 1
      const name = `${page.replaceAll(/\W/g, '-')}-${blocks}.ts`
      await writeFile(join(sources, name), `${preludeOf(content)}${content}\nexport {}\n`)
    }
  }
  expect(blocks).toBeGreaterThan(10)
  const types = [dirname(createRequire(import.meta.url).resolve('@types/node/package.json'))]
  const options = { target: 'es2023', strict: true, noEmit: true, types }
  const lib = ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable']
  const tsc = createRequire(import.meta.url).resolve('typescript/package.json')
  for (const [module, moduleResolution] of [
    ['esnext', 'bundler'],
    ['nodenext', 'nodenext'],
  ]) {
    // Its own declarations are checked once.
    const skipLibCheck = module === 'esnext'
    const compilerOptions = { ...options, lib, module, moduleResolution, skipLibCheck }
    const config = join(consumer, `tsconfig.${module}.json`)
    await writeFile(config, JSON.stringify({ compilerOptions, include: ['src'] }))
    const compiled = await run(process.execPath, [
      join(dirname(tsc), 'bin/tsc'),
      '-p',
      config,
    ]).catch((error: unknown) => error as { stdout: string })
    expect(compiled.stdout, moduleResolution).toBe('')
  }
})

/** What a block takes for granted that goes on from the one before. */
function preludeOf(content: string): string {
  const isWhole = content.includes("from '@slipway/sdk'")
  const client = isWhole ? '' : "import { createClient, SlipwayError } from '@slipway/sdk'\n"
  const made = content.includes('const slipway =')
    ? ''
    : "declare const slipway: import('@slipway/sdk').SlipwayClient\n"
  return client + made
}
