// npm run screenshots -- [--out DIR] [NAME …]: the pictures of README and docs, of a real server with a world in it.
// With --stay none are taken: the server stays up, to be looked at.
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { fillWorld } from './fill-world.ts'
import { openPlace } from './open-place.ts'
import { scenes } from './scenes.ts'
import { takePictures } from './take-pictures.ts'

const longestMs = 6 * 60_000

const { values, positionals } = parseArgs({
  options: { out: { type: 'string' }, stay: { type: 'boolean' } },
  allowPositionals: true,
})
const out = resolve(values.out ?? fileURLToPath(new URL('../../docs/images', import.meta.url)))
const unknown = positionals.filter((name) => !scenes.some((scene) => scene.name === name))
if (unknown.length > 0) {
  const known = scenes.map(({ name }) => name).join(', ')
  throw new Error(`There is no picture ${unknown.join(', ')}; there are ${known}`)
}
await mkdir(out, { recursive: true })

const stopped = new Promise<never>((_, reject) => {
  const end = (why: string) => () => reject(new Error(why))
  process.once('SIGINT', end('stopped'))
  process.once('SIGTERM', end('stopped'))
  if (values.stay !== true)
    setTimeout(end(`not done within ${longestMs / 60_000} minutes`), longestMs).unref()
})
stopped.catch(() => {})

const place = await openPlace()
try {
  await Promise.race([work(), stopped])
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  await place.close()
}

async function work(): Promise<void> {
  console.log(`A server at ${place.server.url}: filling it`)
  const world = await fillWorld(place)
  if (values.stay === true) {
    console.log(`${place.server.url}/sign-in#token=${place.server.token} (until Ctrl-C)`)
    return stopped
  }
  const wanted = scenes.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  await takePictures(place, { world, scenes: wanted, out })
}
