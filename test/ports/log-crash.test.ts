import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, appendFile, readdir, readFile, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogStore } from '../../packages/server/src/logs/index.ts'
import {
  forever,
  hasLines,
  key,
  type LogPlace,
  makeLogPlace,
  numbered,
  readText,
  until,
} from './log-place.ts'

let place: LogPlace
let store: LogStore

beforeEach(async () => {
  place = await makeLogPlace()
  store = place.makeStore()
})
afterEach(() => place.dispose())

describe('after a crash', () => {
  const script = fileURLToPath(new URL('log-writer-process.ts', import.meta.url))

  it('has every line that a follower had seen, goes on, and is sealed', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', script, place.directory, key], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const seen: string[] = []
    const output = createInterface({ input: child.stdout })
    output.on('line', (line) => {
      seen.push(line)
      if (seen.length === 3000) child.kill('SIGKILL')
    })
    await Promise.all([once(child, 'exit'), once(output, 'close')])
    expect(seen.length).toBeGreaterThanOrEqual(3000)

    // The last line that came through the pipe may be a part of one.
    seen.pop()
    const found = (await readText(store)).split('\n').slice(0, -1)
    expect(found.slice(0, seen.length)).toEqual(seen)
    const stat = await store.stat(key)
    expect(stat).toMatchObject({ lines: found.length, sealed: false })

    const writer = await store.open(key, { secrets: [], marker: 'the server was restarted' })
    await writer.write(Buffer.from('second attempt\n'))
    await hasLines(store, found.length + 2)
    expect(await readText(store, { after: found.length })).toBe(
      'the server was restarted\nsecond attempt\n',
    )
    await store.close()
    await place.makeStore().sealAbandoned('pipeline-runs/1/')
    store = place.makeStore()
    expect(await store.stat(key)).toMatchObject({ lines: found.length + 2, sealed: true })
    expect((await readText(store)).split('\n').slice(0, found.length)).toEqual(found)
  })

  it('keeps whole lines, and says so, when the disk takes no more', async () => {
    // A limit on file sizes fails a write halfway, as a full disk does.
    const limited = 'trap "" XFSZ; ulimit -f 64; exec "$@"'
    const command = [process.execPath, '--import', 'tsx', script, place.directory, key]
    const child = spawn('sh', ['-c', limited, 'sh', ...command], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const [errors] = await Promise.all([text(child.stderr), once(child, 'exit')])
    const found = await readText(store)
    const lines = found.split('\n').length - 1
    expect(errors).toMatch(/^write: .*EFBIG.*\nseal: .*EFBIG.*\nsealed: \d+\n$/)
    expect(errors).toContain(`sealed: ${lines}\n`)
    expect(found.length).toBeGreaterThan(16_000)
    expect(await store.stat(key)).toEqual({ bytes: found.length, lines, sealed: true })
  })

  it('ends a torn last line and mends a torn, lagging or lost index', async () => {
    const writer = await store.open(key, { secrets: [] })
    await writer.write(Buffer.from(numbered(1, 5000)))
    await store.close()
    const index = `${place.livePath}.idx`
    const whole = await readFile(index)
    const damages: (() => Promise<void>)[] = [
      () => appendFile(index, Buffer.alloc(7)),
      () => appendFile(index, Buffer.alloc(36)),
      () => appendFile(index, Buffer.alloc(18, 0x7f)),
      () => truncate(index, whole.length - 5),
      () => rm(index),
    ]
    let lines = 5000
    for (const damage of damages) {
      await damage()
      await appendFile(place.livePath, 'torn')
      store = place.makeStore()
      expect(await store.stat(key)).toMatchObject({ lines })
      const again = await store.open(key, { secrets: [] })
      expect(await readText(store, { after: lines })).toBe('torn\n')
      expect(await readText(store, { after: 4999 })).toBe(
        'line 5000\n' + 'torn\n'.repeat(lines - 4999),
      )
      await again.write(Buffer.from(''))
      await store.close()
      lines++
    }
    store = place.makeStore()
    await appendFile(place.livePath, 'torn')
    await store.sealAbandoned(key)
    expect(await store.stat(key)).toMatchObject({ lines: lines + 1, sealed: true })
    await expect(access(place.livePath)).rejects.toThrow('ENOENT')
  })

  it('finishes a hand-over that was interrupted between the log and its index', async () => {
    const writer = await store.open(key, { secrets: [] })
    await writer.write(Buffer.from(numbered(1, 50)))
    await store.close()
    await place.objects.putFile(key, place.livePath)
    store = place.makeStore()
    expect(await readText(store, { after: 49 })).toBe('line 50\n')
    await store.sealAbandoned('pipeline-runs/')
    expect(await place.objects.head(`${key}.idx`)).not.toBeNull()
    expect(await readdir(join(place.directory, 'logs'))).toEqual([])
    expect(await readText(store, { after: 49 })).toBe('line 50\n')
  })

  it('leaves alone what has a writer', async () => {
    const writer = await store.open(key, { secrets: [] })
    await writer.write(Buffer.from('one\n'))
    await hasLines(store, 1)
    await store.sealAbandoned('pipeline-runs/1/')
    expect(await store.stat(key)).toMatchObject({ sealed: false })
    await writer.write(Buffer.from('two\n'))
    expect(await writer.seal()).toMatchObject({ lines: 2 })
  })

  it('gives a follower the end when an abandoned log is sealed', async () => {
    const writer = await store.open(key, { secrets: [] })
    await writer.write(Buffer.from('one\n'))
    await store.close()
    store = place.makeStore()
    const lines = store.follow(key, {}, forever)[Symbol.asyncIterator]()
    expect(await until(lines, 'one')).toBe('one\n')
    const end = lines.next()
    await store.sealAbandoned(key)
    expect((await end).done).toBe(true)
  })
})
