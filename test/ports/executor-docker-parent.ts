// A server that is going to be killed: runs one specification in a docker executor.
// Arguments: the engine's socket, its state directory.
import { stdin, stdout } from 'node:process'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import { createDockerExecutor } from '../../packages/server/src/adapters/executor/docker/create-docker-executor.ts'
import type { ExecutionSpec } from '../../packages/server/src/ports/executor.ts'

const [socketPath, stateDir] = process.argv.slice(2) as [string, string]
const executor = createDockerExecutor({
  host: { kind: 'unix', socketPath },
  stateDir,
  pull: { policy: 'never', timeoutMs: 1_000 },
  log: pino({ level: 'warn' }, pino.destination(2)),
})
await executor.open()
const spec = JSON.parse(await text(stdin)) as ExecutionSpec
const execution = await executor.start(spec, { write: (chunk) => void stdout.write(chunk) })
await execution.done
await executor.close()
