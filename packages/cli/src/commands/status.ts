import type {
  PipelineStatus,
  PipelineStatusQuery,
  PipelineStatusResponse,
} from '@slipway/contract/pipelines'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { integerBetween } from '../integer-between.ts'
import { openLiveArea } from '../render/live-area.ts'
import { fitPipelines, pipelineLines, pipelineRow } from '../render/pipeline-table.ts'
import { repositoryName } from '../repository-name.ts'

interface Flags {
  repository?: string
  branch?: string
  status?: PipelineStatus
  limit: number
  watch?: boolean
}

const statuses = ['success', 'failure', 'pending', 'running'] as const
const redrawMs = 1_000

export function addStatusCommand(program: Command, act: Act): void {
  addStatusOptions(program.command('status'), act)
}

/** `slipway status` and `slipway pipeline list`. */
export function addStatusOptions(command: Command, act: Act): void {
  command
    .description('the newest run of each GitHub Actions workflow and branch')
    .option('-r, --repository <owner/name>', 'only of this repository', repositoryName)
    .option('-b, --branch <branch>', 'only of this branch')
    .addOption(new Option('--status <status>', 'only those').choices(statuses))
    .option('-n, --limit <n>', 'how many, 1 to 500', integerBetween(1, 500), 50)
    .option('-w, --watch', 'go on, and show what changes as it does, until Ctrl-C')
    .action(act((context, flags: Flags) => showStatus(context, flags)))
}

async function showStatus(context: Context, flags: Flags): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const { repository, branch, status, limit } = flags
  const query: PipelineStatusQuery = {
    limit,
    ...(repository === undefined ? {} : { repo: repository }),
    ...(branch === undefined ? {} : { branch }),
    ...(status === undefined ? {} : { status }),
  }
  if (flags.watch === true) {
    await follow(context, (onAway) =>
      client.pipelines.watchStatus(query, { signal: io.signal, onAway }),
    )
    return exitCodes.success
  }
  const answer = await client.pipelines.status(query, { signal: io.signal })
  if (context.json) await printJson(io, answer)
  else await io.out.write(`${pipelineLines(answer, context.styles).join('\n')}\n`)
  return exitCodes.success
}

type Watch = (onAway: (isAway: boolean) => void) => AsyncIterable<PipelineStatusResponse>

async function follow(context: Context, watch: Watch): Promise<void> {
  const { io } = context
  if (io.out.isTerminal && !context.json) return redraw(context, watch)
  const answers = watch((isAway) => {
    if (isAway && !context.json)
      void io.err.write('The server does not answer; it is asked again.\n')
  })
  if (context.json) {
    for await (const answer of answers) await printJson(io, answer)
    return
  }
  await printChanges(context, answers)
}

/** A line for each pipeline that is not as it was. */
async function printChanges(
  { io }: Context,
  answers: AsyncIterable<PipelineStatusResponse>,
): Promise<void> {
  let shown = new Map<string, string>()
  for await (const { pipelines } of answers) {
    const now = new Map<string, string>()
    for (const pipeline of pipelines.toReversed()) {
      const { repository, workflowName, branch, runId, status, lastRun } = pipeline
      const key = `${repository} ${workflowName} ${branch}`
      const state = `${runId} ${status} ${lastRun}`
      now.set(key, state)
      if (shown.get(key) === state) continue
      await io.out.write(`${pipelineRow(pipeline).filter(Boolean).join('  ')}\n`)
    }
    shown = now
  }
}

/** On every path the terminal has its cursor back. */
async function redraw({ io, styles }: Context, watch: Watch): Promise<void> {
  const area = openLiveArea(io.out)
  let notes: string[] = []
  let current: { answer: PipelineStatusResponse; at: number } | null = null
  let drawing: Promise<void> = Promise.resolve()
  const draw = () => {
    if (current === null) return
    const seconds = Math.floor((Date.now() - current.at) / 1000)
    // A wider line than the terminal, or more of them, would scroll, and the next frame be drawn below.
    const room = { columns: io.out.columns() - 1, rows: Math.max(3, io.out.rows() - 1) }
    drawing = area.draw(fitPipelines(runOn(current.answer, seconds), styles, room, notes))
  }
  const timer = setInterval(draw, redrawMs)
  try {
    const answers = watch((isAway) => {
      notes = isAway ? ['The server does not answer: this is how things were.'] : []
      draw()
    })
    for await (const answer of answers) {
      current = { answer, at: Date.now() }
      draw()
    }
  } finally {
    clearInterval(timer)
    await drawing
    await area.close()
  }
}

/** The answer so many seconds later. */
function runOn(answer: PipelineStatusResponse, seconds: number): PipelineStatusResponse {
  const pipelines = answer.pipelines.map((pipeline) => ({
    ...pipeline,
    duration: pipeline.duration + (pipeline.status === 'running' ? seconds : 0),
  }))
  return { ...answer, pipelines }
}
