import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { findOpener, openPage, type Surroundings, wantsPage } from './open-page.ts'

const url = 'http://127.0.0.1:3000/sign-in?return_to=/board&a=$(b)#token=a-b_c'

/** A directory with commands of this name, which write their arguments to `opened`, a line each. */
async function standIn(name: string) {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-open-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const opened = join(directory, 'opened')
  const script = `#!/bin/sh\nprintf '%s\\n' "$@" > "$OPENED.part" && mv "$OPENED.part" "$OPENED"\n`
  await writeFile(join(directory, name), script, { mode: 0o755 })
  const env = { PATH: `/nowhere::${directory}:${process.env.PATH}`, OPENED: opened }
  return { directory, env, opened: () => readFile(opened, 'utf8') }
}

it.each(['DISPLAY', 'WAYLAND_DISPLAY'])(
  'gives the page as it is to xdg-open, by %s',
  async (on) => {
    const { env, opened } = await standIn('xdg-open')
    await openPage(url, { platform: 'linux', env: { ...env, [on]: ':0' } })
    await expect.poll(() => opened().catch(() => null)).toBe(`${url}\n`)
  },
)

it('gives it to Windows from the Linux in it', async () => {
  const { env, opened } = await standIn('rundll32.exe')
  await openPage(url, { platform: 'linux', env: { ...env, WSL_DISTRO_NAME: 'Debian' } })
  await expect.poll(() => opened().catch(() => null)).toBe(`url.dll,FileProtocolHandler\n${url}\n`)
})

it('knows what other systems have, and that nobody sits at the far end of a connection', async () => {
  const find = (platform: NodeJS.Platform, env: Surroundings['env'] = {}) =>
    findOpener(url, { platform, env })
  expect(await find('darwin')).toEqual(['open', url])
  expect(await find('win32')).toEqual(['rundll32', 'url.dll,FileProtocolHandler', url])
  const remote = { SSH_CONNECTION: '192.0.2.1 50000 192.0.2.2 22' }
  expect(await find('darwin', remote)).toBe(null)
  expect(await find('win32', remote)).toBe(null)
})

it('opens nothing without a screen, or without anything that opens', async () => {
  const { directory, env } = await standIn('xdg-open')
  expect(await findOpener(url, { platform: 'linux', env })).toBe(null)
  const screen = { DISPLAY: ':0' }
  expect(await findOpener(url, { platform: 'linux', env: screen })).toBe(null)
  const empty = join(directory, 'empty')
  await mkdir(empty)
  const bare = { ...screen, WSL_DISTRO_NAME: 'Debian', PATH: empty }
  expect(await findOpener(url, { platform: 'linux', env: bare })).toBe(null)
})

it('is wanted at a terminal, unless somebody says no', () => {
  const terminal = { isTerminal: true }
  expect(wantsPage(terminal, ['node', 'main.ts'], {})).toBe(true)
  expect(wantsPage({ isTerminal: false }, ['node', 'main.ts'], {})).toBe(false)
  expect(wantsPage(terminal, ['node', 'main.ts', '--no-open'], {})).toBe(false)
  expect(wantsPage(terminal, ['node', 'main.ts', '--exit'], {})).toBe(false)
  expect(wantsPage(terminal, ['node', 'main.ts'], { CI: 'true' })).toBe(false)
})

it('goes on where what opens cannot be started', async () => {
  const { directory, env } = await standIn('xdg-open')
  await writeFile(join(directory, 'xdg-open'), '#!/nowhere/sh\n')
  await openPage(url, { platform: 'linux', env: { ...env, DISPLAY: ':0' } })
  await openPage(url, { platform: 'darwin', env: { PATH: '/nowhere' } })
})
