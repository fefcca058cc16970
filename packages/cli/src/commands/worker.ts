import type { Worker } from '@slipway/contract/worker-api'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { integerBetween } from '../integer-between.ts'
import { addPageOptions, type PageFlags } from '../list-options.ts'
import { formatDuration } from '../render/format-time.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { showListOf } from '../show-list.ts'
import { runServer } from './serve.ts'

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
  addPageOptions(
    worker.command('list').description('who does jobs: inside of servers, and on other machines'),
  ).action(act((context, flags: PageFlags) => list(context, flags)))
  worker
    .command('drain <worker>')
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

async function list(context: Context, flags: PageFlags): Promise<number> {
  const { signal } = context.io
  const { client } = await context.connect()
  const shown = {
    name: 'workers',
    read: async (page: { limit: number; offset: number }) => {
      const found = await client.workers.list(page, { signal })
      return { items: found.workers, total: found.total }
    },
    header: ['ID', 'NAME', 'KIND', 'STATE', 'IN HAND', 'CAPACITY', 'VERSION', 'SEEN', 'TYPES'],
    row: rowOf,
    empty: 'Nobody does jobs.',
  }
  return showListOf(context, shown, flags)
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
