import type { WriteStream } from 'node:tty'
import { Interrupted } from './interrupted.ts'
import type { Output } from './io.ts'
import { runCli } from './run-cli.ts'

const stop = new AbortController()

function output(stream: WriteStream): Output {
  stream.on('error', () => stop.abort(new Interrupted('closed output')))
  return {
    isTerminal: stream.isTTY,
    columns: () => stream.columns || 80,
    rows: () => stream.rows || 24,
    write: (text) =>
      new Promise((resolve) => {
        if (stream.destroyed) return resolve()
        stream.write(text, () => resolve())
        return undefined
      }),
  }
}

// The second one ends the program, should something not stop.
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (stop.signal.aborted) process.exit(130)
    stop.abort(new Interrupted(name))
  })
}

process.exitCode = await runCli(process.argv.slice(2), {
  out: output(process.stdout),
  err: output(process.stderr),
  env: process.env,
  cwd: process.cwd(),
  signal: stop.signal,
})
