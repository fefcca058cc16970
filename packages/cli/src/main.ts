import { Interrupted } from './interrupted.ts'
import { standardInput } from './standard-input.ts'
import { streamOutput } from './render/stream-output.ts'
import { runCli } from './run-cli.ts'

const stop = new AbortController()

const closed = () => stop.abort(new Interrupted('closed output'))

// The second one ends the program, should something not stop.
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (stop.signal.aborted) process.exit(130)
    stop.abort(new Interrupted(name))
  })
}

process.exitCode = await runCli(process.argv.slice(2), {
  in: standardInput(process.stdin, process.stderr, stop.signal),
  out: streamOutput(process.stdout, closed),
  err: streamOutput(process.stderr, closed),
  raw: { in: process.stdin, out: process.stdout },
  env: process.env,
  cwd: process.cwd(),
  signal: stop.signal,
})
