import { writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findTool } from './find-tool.ts'
import {
  closeDescriptor,
  openOutputPipes,
  type OutputPipe,
  type OutputPipes,
} from './output-pipes.ts'
import { pumpOutput } from './pump-output.ts'

const options = {
  limit: 1000,
  onLimit: () => {},
  onSinkError(error: unknown) {
    throw error
  },
}

describe('pumpOutput', () => {
  let directory: string
  let pipes: OutputPipes
  let pipe: OutputPipe
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'slipway-pump-'))
    pipes = await openOutputPipes((await findTool('mkfifo')) ?? '', join(directory, 'pipes'))
    pipe = await pipes.take()
  })
  afterEach(async () => {
    await pipes.close()
    await rm(directory, { recursive: true, force: true })
  })

  it('ends with the output, and keeps its beginning', async () => {
    let output = ''
    const pump = pumpOutput(
      pipe.reader,
      { write: (chunk) => void (output += chunk.toString()) },
      options,
    )
    writeSync(pipe.writer, 'one\ntwo\n')
    await closeDescriptor(pipe.writer)
    expect(await pump.ended).toBe(true)
    expect(output).toBe('one\ntwo\n')
    expect(pump.head()).toBe('one\ntwo\n')
  })

  it('lets go of a pipe that somebody holds open in silence', async () => {
    const pump = pumpOutput(pipe.reader, { write: () => {} }, options)
    pump.abandonWhenQuiet(20)
    expect(await pump.ended).toBe(false)
    await closeDescriptor(pipe.writer)
  })

  it('does not take a slow sink for silence', async () => {
    let output = ''
    const slow = {
      async write(chunk: Buffer) {
        await delay(100)
        output += chunk.toString()
        if (output === 'one') {
          writeSync(pipe.writer, 'two')
          await closeDescriptor(pipe.writer)
        }
      },
    }
    const pump = pumpOutput(pipe.reader, slow, options)
    writeSync(pipe.writer, 'one')
    pump.abandonWhenQuiet(50)
    expect(await pump.ended).toBe(true)
    expect(output).toBe('onetwo')
  })
})
