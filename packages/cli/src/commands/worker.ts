import type { Worker } from '@slipway/contract/worker-api'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { integerBetween } from '../integer-between.ts'
import { formatDuration } from '../render/format-time.ts'
import { formatTable } from '../render/table.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { runServer } from './server.ts'

interface WorkFlags {
  types?: string
  capacity?: number
}

export function addWorkerCommand(program: Command, act: Act): void {
  const worker = program
    .command('worker')
    .description(
      'do jobs of the server at SLIPWAY_SERVER_URL on this machine; settings come from the environment',
    )
    .option('--types <types>', 'job types, separated by commas; default: all it can do')
    .option('--capacity <n>', 'jobs of runs at once, 1 to 1024', integerBetween(1, 1_024))
    .action(act((context, flags: WorkFlags) => work(context, flags)))
  worker
    .command('list')
    .description('who does jobs: inside of servers, and on other machines')
    .action(act((context) => list(context)))
  worker
    .command('drain <id>')
    .description('have a worker take no new jobs; on another machine it ends when it is done')
    .action(act((context, _flags, [id = '']) => drain(context, id)))
}

function work({ io }: Context, { types, capacity }: WorkFlags): Promise<number> {
  const args = [
    ...(types === undefined ? [] : [`--types=${types}`]),
    ...(capacity === undefined ? [] : [`--capacity=${capacity}`]),
  ]
  return runServer(io, 'worker', args)
}

async function list(context: Context): Promise<number> {
  const { io, styles } = context
  const { client } = await context.connect()
  const workers: Worker[] = []
  for await (const worker of client.workers.iterate({}, { signal: io.signal })) workers.push(worker)
  if (context.json) {
    await printJson(io, { workers, total: workers.length })
    return exitCodes.success
  }
  const header = ['ID', 'NAME', 'KIND', 'STATE', 'IN HAND', 'CAPACITY', 'VERSION', 'SEEN', 'TYPES']
  const rows = workers.map((worker) => rowOf(worker).map(terminalWord))
  const [head = '', ...lines] = formatTable(header, rows).split('\n')
  await io.out.write(`${styles.dim(head)}\n${lines.join('\n')}`)
  return exitCodes.success
}

function rowOf(worker: Worker): string[] {
  const { id, name, kind, draining, in_hand, capacity, version, last_seen_at, types } = worker
  const seen = `${formatDuration(Math.max(0, Date.now() - Date.parse(last_seen_at)))} ago`
  const state = draining ? 'draining' : types.length === 0 ? 'takes none' : 'working'
  const counts = [String(in_hand), String(capacity)]
  return [id, name, kind, state, ...counts, version ?? '-', seen, types.join(',') || '-']
}

async function drain(context: Context, id: string): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const worker = await client.workers.drain(id, { signal: io.signal })
  if (context.json) await printJson(io, worker)
  else {
    const left = worker.in_hand === 1 ? 'one job' : `${worker.in_hand} jobs`
    await io.err.write(`${terminalWord(worker.name)} takes no new jobs; in hand: ${left}\n`)
  }
  return exitCodes.success
}
