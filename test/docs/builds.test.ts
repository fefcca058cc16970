// What docs/builds.md shows is done here, line by line, on a real server with a fork that is reached by SSH.
import { execFile } from 'node:child_process'
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createRepository } from '../support/git-repository.ts'
import { fencedBlocks, repositoryRoot } from '../support/markdown.ts'
import { readZip } from '../support/read-zip.ts'
import { temporaryDirectory } from '../support/run-cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { startSshd } from '../support/sshd.ts'

const run = promisify(execFile)
const cli = join(repositoryRoot, 'packages/cli/bin/slipway.js')
/** One pixel. */
const png =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='

let server: TestServer
beforeAll(async () => void (server = await startTestServer()))
afterAll(() => server.close())

it('goes as the page about builds has it', { timeout: 120_000 }, async () => {
  const sshd = await startSshd()
  const fork = await createRepository(server.repositories, 'acme/portal')
  await fork.commit({ 'README.md': '# Open WebUI\n', 'config/app.yaml': 'port: 80\n' })
  const cwd = await temporaryDirectory()
  await writeFile(join(cwd, 'deploy-key'), sshd.key)
  await writeFile(join(cwd, 'logo.png'), Buffer.from(png, 'base64'))
  await writeFile(join(cwd, 'slipway'), `#!/bin/sh\nexec '${process.execPath}' '${cli}' "$@"\n`)
  await chmod(join(cwd, 'slipway'), 0o755)

  const page = await readFile(join(repositoryRoot, 'docs/builds.md'), 'utf8')
  const blocks = fencedBlocks(page)
  // An image needs an engine; what is asked of it is tested elsewhere.
  const shell = blocks.filter(
    ({ language, content }) => language === 'sh' && !content.includes('--push'),
  )
  expect(shell.length).toBeGreaterThan(6)
  const script = shell
    .map(({ content }) => content)
    .join('\n')
    .replaceAll('http://127.0.0.1:3000', server.url)
    .replace('git@github.com:acme/portal.git', sshd.url(fork.directory))
    .replaceAll(/\bcurl /g, 'curl -sS --fail-with-body ')
  const env = {
    PATH: `${cwd}:${process.env['PATH'] ?? ''}`,
    HOME: cwd,
    SLIPWAY_URL: server.url,
    SLIPWAY_TOKEN: server.token,
  }
  const { stdout } = await run('bash', ['-euc', script], { cwd, env })
  expect(stdout).toContain('-# Open WebUI\n+# Acme\n')
  expect(stdout).toContain('"message":"Pipeline completed successfully with 1 output(s)"')
  expect(stdout).toContain('Builds of the last 90 days\n')

  const names = (await readdir(cwd)).filter((name) => name.endsWith('.zip'))
  expect(names).toHaveLength(2)
  for (const name of names) {
    const files = new Map(
      (await readZip(await readFile(join(cwd, name)))).map((entry) => [
        entry.name.toString(),
        entry.content,
      ]),
    )
    expect(files.get('README.md')?.toString()).toBe('# Acme\n')
    expect(files.get('static/logo.png')?.toString('base64')).toBe(png)
    if (name === 'portal.zip') continue
    expect(files.get('.env')?.toString()).toContain('WEBUI_NAME=Acme')
    expect(files.get('config/app.yaml')?.toString()).toMatch(
      /port: 80\n(.*\n)*ENABLE_SIGNUP: false/,
    )
  }

  const rules = blocks.find(({ language }) => language === 'json')?.content ?? ''
  await writeFile(join(cwd, 'rules.json'), rules)
  await run('slipway', ['branding', 'create', 'patterns', '--rules', 'rules.json'], { cwd, env })

  const follow = blocks.find(({ language }) => language === 'js')?.content ?? ''
  await writeFile(
    join(cwd, 'follow.mjs'),
    follow.replace('ws://127.0.0.1:3000', server.url.replace('http', 'ws')),
  )
  const followed = await run(
    process.execPath,
    ['--experimental-websocket', '--no-warnings', 'follow.mjs'],
    { cwd, env },
  )
  expect(followed.stdout).toMatch(/Z Pipeline run created\. Waiting for execution\.\n/)
  expect(followed.stdout).toMatch(/closed with 1000\n$/)
})
