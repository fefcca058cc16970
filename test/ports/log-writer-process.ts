/**
 * Writes numbered lines to the log `key` until it is killed or cannot, as the server does: the object
 * store in `<directory>/objects`, logs in `<directory>/logs`. Follows its log and prints what it sees.
 */
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { pino } from 'pino'
import { createFilesystemObjectStore } from '../../packages/server/src/adapters/object-store/filesystem/filesystem-object-store.ts'
import { createFileLogStore } from '../../packages/server/src/logs/index.ts'

const [directory, key] = process.argv.slice(2) as [string, string]
const log = pino({ level: 'silent' })
const objects = createFilesystemObjectStore({ root: join(directory, 'objects'), log })
const logs = createFileLogStore({ directory: join(directory, 'logs'), objects, log })
const writer = await logs.open(key, { secrets: [] })

const follow = async () => {
  for await (const chunk of logs.follow(key, {}, new AbortController().signal)) {
    process.stdout.write(chunk.data)
  }
}
const following = follow()
try {
  for (let number = 1; ; number++) {
    const line = `line ${number} ${'x'.repeat(number % 300)}\n`
    await writer.write(Buffer.from(line.slice(0, 7)))
    await writer.write(Buffer.from(line.slice(7)))
    // Followers get their turn.
    if (number % 50 === 0) await setImmediate()
  }
} catch (error) {
  process.stderr.write(`write: ${String(error)}\n`)
  await writer.seal().catch((reason: unknown) => process.stderr.write(`seal: ${String(reason)}\n`))
  const again = await writer.seal()
  process.stderr.write(`sealed: ${again.lines}\n`)
}
await following
