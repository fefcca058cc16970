// docs/tutorial.md, every command of it in order: the server as the page starts it, the rest in one shell. Then the
// pages that go on with its server, docs/how-to-release.md and docs/how-to-builds.md.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { startBrowser } from '../support/browser.ts'
import { fencedBlocks, repositoryRoot } from '../support/markdown.ts'
import { temporaryDirectory } from '../support/run-cli.ts'

const run = promisify(execFile)

it('goes as the tutorial has it, to production on the board', { timeout: 400_000 }, async () => {
  const page = await readFile(join(repositoryRoot, 'docs/tutorial.md'), 'utf8')
  const shell = fencedBlocks(page).filter(({ language }) => language === 'sh')
  const [prepare, serve, ...rest] = shell.map(({ content }) => content)
  const putAway = rest.pop() ?? ''
  expect(serve).toMatch(/npm start$/)
  expect(putAway).toContain('rm -rf')
  const home = await temporaryDirectory()
  const identity = { NAME: 'Ada', EMAIL: 'ada@example.com' }
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    ...Object.fromEntries(
      Object.entries(identity).flatMap(([key, value]) => [
        [`GIT_AUTHOR_${key}`, value],
        [`GIT_COMMITTER_${key}`, value],
      ]),
    ),
  }
  const bash = (script: string, more: Record<string, string> = {}) =>
    run('bash', ['-euc', script], { cwd: repositoryRoot, env: { ...env, ...more } })

  // What is installed and built already is not again.
  expect(prepare).toMatch(/^npm ci\n/)
  await bash((prepare ?? '').replace(/^npm ci\n/, ''))
  const main = join(repositoryRoot, 'packages/server/dist/main.js')
  const start = (serve ?? '').replace(/npm start$/, `exec '${process.execPath}' '${main}' serve`)
  const server = spawn('bash', ['-euc', start], {
    cwd: repositoryRoot,
    env: { ...env, PORT: '0', SLIPWAY_COMPAT_PORTS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(server, 'exit')
  onTestFinished(async () => {
    server.kill('SIGKILL')
    await ended
  })
  let told = ''
  server.stderr.on('data', (chunk: Buffer) => void (told += chunk.toString()))
  let url = ''
  for await (const line of createInterface({ input: server.stdout })) {
    url = /"url":"(http[^"]+)".*"msg":"listening"/.exec(line)?.[1] ?? ''
    if (url !== '') break
  }
  server.stdout.resume()
  expect(url).not.toBe('')

  // What is to be refused is so; what follows goes on.
  const script = rest
    .join('\n')
    .replaceAll('http://127.0.0.1:3000', url)
    .replaceAll('127.0.0.1:3000', new URL(url).host)
    .replace(/^slipway promote hello 1 --to production$/m, '! $& 2>&1')
  const { stdout } = await bash(script, { SLIPWAY_URL: url })
  const expected = fencedBlocks(page).filter(({ language }) => language === '')
  expect(expected.length).toBeGreaterThan(2)
  for (const { content } of expected) {
    // The tree is for terminals.
    if (content.includes('✔')) continue
    for (const line of content.split('\n')) {
      // A commit is another one each time.
      expect(stdout).toContain(line.replace(/^[0-9a-f]{7} /, ''))
    }
  }

  const link = /http\S+#token=\S+/.exec(told)?.[0] ?? ''
  const browser = await startBrowser()
  onTestFinished(() => browser.close())
  const window = await browser.open()
  await window.page.goto(link)
  await window.page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await window.page.getByRole('link', { name: 'Releases' }).click()
  await window.page.getByRole('heading', { name: 'Releases', level: 1 }).waitFor()
  await window.page.getByText('me/hello').first().waitFor()
  const production = window.page.locator('td[data-title="production"] [data-status="active"]')
  await production.getByText('#1').waitFor()
  expect(window.takeComplaints()).toEqual([])

  const goOn = async (path: string, cwd: string) => {
    const blocks = fencedBlocks(await readFile(join(repositoryRoot, path), 'utf8'))
    const commands = blocks.filter(({ language }) => language === 'sh')
    expect(commands.length).toBeGreaterThan(4)
    const text = commands.map(({ content }) => content).join('\n')
    const bounded = text.replaceAll(
      /^(slipway .*?) +# until Ctrl-C$/gm,
      'timeout -s INT 5 $1 || true',
    )
    const cli = join(repositoryRoot, 'node_modules/.bin')
    const told = await bash(
      `cd; cd ${cwd}; PATH="$PATH:${cli}"; SLIPWAY_TOKEN=$(cat ~/slipway-tutorial/data/admin-token)
      export SLIPWAY_TOKEN PATH; ${bounded}`,
      { SLIPWAY_URL: url },
    )
    return told.stdout
  }
  const released = await goOn('docs/how-to-release.md', 'slipway-tutorial/hello')
  expect(released).toContain('The command ended with 1\n')
  expect(released).toContain('Cancelled runs end with 3\n')
  expect(released).toMatch(/^#2 .* stable, main-2|^#2 .*stable/m)
  expect(released).toMatch(/deployment\.completed .*environment=production/)
  const builds = await goOn('docs/how-to-builds.md', 'slipway-tutorial')
  expect(builds).toContain('+echo "Acme says hello, ${1:-you}"')
  expect(builds).toContain('It ended with 1\n')

  server.kill('SIGINT')
  expect(await ended).toEqual([0, null])
  await bash(putAway)
  expect((await bash('ls ~')).stdout).not.toContain('slipway-tutorial')
})
