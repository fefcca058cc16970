// A server that is going to be killed: runs one specification in a process executor.
// Arguments: the options of the executor as JSON, its state directory.
import { stdin, stdout } from 'node:process'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import { createProcessExecutor } from '../../packages/server/src/adapters/executor/process/create-process-executor.ts'
import type { ProcessExecutorOptions } from '../../packages/server/src/adapters/executor/process/create-process-executor.ts'
import type { ExecutionSpec } from '../../packages/server/src/ports/executor.ts'

const [options, stateDir] = process.argv.slice(2) as [string, string]
const executor = createProcessExecutor({
  ...(JSON.parse(options) as Omit<ProcessExecutorOptions, 'log' | 'stateDir'>),
  stateDir,
  log: pino({ level: 'warn' }, pino.destination(2)),
})
await executor.open()
const spec = JSON.parse(await text(stdin)) as ExecutionSpec
const execution = await executor.start(spec, { write: (chunk) => void stdout.write(chunk) })
await execution.done
await executor.close()
