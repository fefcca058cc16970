// npm run screenshots -- [--out DIR] [NAME …]: the pictures of README and docs, of a real server with a world in it.
// With --stay none are taken: the server stays up, to be looked at.
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startTestServer } from '../../test/support/server.ts'
import { fillWorld } from './fill-world.ts'
import { openPlace } from './open-place.ts'
import { scenes } from './scenes.ts'
import { takePictures } from './take-pictures.ts'
import { fillTutorial, tutorialScenes } from './tutorial.ts'

const longestMs = 8 * 60_000

const { values, positionals } = parseArgs({
  options: { out: { type: 'string' }, stay: { type: 'boolean' } },
  allowPositionals: true,
})
const out = resolve(values.out ?? fileURLToPath(new URL('../../docs/images', import.meta.url)))
const known = [...scenes, ...tutorialScenes].map(({ name }) => name)
const stopped = new Promise<never>((_, reject) => {
  const end = (why: string) => () => reject(new Error(why))
  process.once('SIGINT', end('stopped'))
  process.once('SIGTERM', end('stopped'))
  if (values.stay === true) return
  setTimeout(end(`not done within ${longestMs / 60_000} minutes`), longestMs).unref()
})
stopped.catch(() => {})

const isWanted = ({ name }: { name: string }) =>
  positionals.length === 0 || positionals.includes(name)

try {
  const unknown = positionals.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    throw new Error(`There is no picture ${unknown.join(', ')}; there are ${known.join(', ')}`)
  }
  await mkdir(out, { recursive: true })
  if (values.stay === true || scenes.some(isWanted)) await during(openPlace(), ofCompany)
  if (values.stay !== true && tutorialScenes.some(isWanted)) {
    await during(startTestServer(), ofTutorial)
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

/** Closes what is opened, however the work ends, also by a signal or for its time while it still opens. */
async function during<Opened extends { close(): Promise<void> }>(
  opening: Promise<Opened>,
  work: (opened: Opened) => Promise<void>,
): Promise<void> {
  try {
    await Promise.race([opening.then(work), stopped])
  } finally {
    const opened = await opening.catch(() => null)
    await opened?.close()
  }
}

async function ofCompany(place: Awaited<ReturnType<typeof openPlace>>): Promise<void> {
  const { server } = place
  console.log(`A server at ${server.url}: filling it`)
  const world = await fillWorld(place)
  if (values.stay === true) {
    console.log(`${server.url}/sign-in#token=${server.token} (until Ctrl-C)`)
    return stopped
  }
  await takePictures(server, { world, scenes: scenes.filter(isWanted), out })
}

async function ofTutorial(server: Awaited<ReturnType<typeof startTestServer>>): Promise<void> {
  const world = await fillTutorial(server)
  await takePictures(server, { world, scenes: tutorialScenes.filter(isWanted), out })
}
