import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** Where a page is to be opened. */
export interface Surroundings {
  platform: NodeJS.Platform
  env: Readonly<Record<string, string | undefined>>
}

/** Whether the demo should open a page at its end: at a terminal, for somebody who did not say no. */
export function wantsPage(
  output: { isTerminal: boolean },
  args: readonly string[],
  env: Surroundings['env'],
): boolean {
  return output.isTerminal && !env.CI && !args.includes('--exit') && !args.includes('--no-open')
}

/** What opens a page on Windows without a shell, which would read the page's address as its own language. */
const ofWindows = 'url.dll,FileProtocolHandler'

/** The command that shows the page to whoever sits here; null where nobody does, or nothing could show it. */
export async function findOpener(
  url: string,
  { platform, env }: Surroundings,
): Promise<[command: string, ...args: string[]] | null> {
  if (platform === 'win32' || platform === 'darwin') {
    if (env.SSH_CONNECTION) return null
    return platform === 'darwin' ? ['open', url] : ['rundll32', ofWindows, url]
  }
  if (env.WSL_DISTRO_NAME) {
    const command = await findOnPath('rundll32.exe', env)
    if (command !== null) return [command, ofWindows, url]
  }
  if (!env.DISPLAY && !env.WAYLAND_DISPLAY) return null
  const command = await findOnPath('xdg-open', env)
  return command === null ? null : [command, url]
}

/** Opens the page in the browser of whoever sits here, if there is one; whatever goes wrong is not told. */
export async function openPage(url: string, surroundings: Surroundings): Promise<void> {
  const opener = await findOpener(url, surroundings)
  if (opener === null) return
  const [command, ...args] = opener
  try {
    // The browser may be a child of this: it outlives it, and does not hear its Ctrl-C.
    const child = spawn(command, args, { detached: true, stdio: 'ignore', env: surroundings.env })
    child.unref()
    await once(child, 'spawn')
  } catch {
    // Its address has been told: it can be opened by hand.
  }
}

async function findOnPath(name: string, env: Surroundings['env']): Promise<string | null> {
  for (const directory of (env.PATH ?? '').split(delimiter)) {
    if (directory === '') continue
    const path = join(directory, name)
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  return null
}
