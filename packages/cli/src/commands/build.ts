import type { Build, BuildOutput, BuildStatus, ListBuildsResponse } from '@slipway/contract/builds'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { addPageOptions, type PageFlags } from '../list-options.ts'
import { formatBytes } from '../render/format-bytes.ts'
import { formatInstant, formatSpan } from '../render/format-time.ts'
import { renderBuild, showBuild } from '../render/show-build.ts'
import { terminalLine, terminalWord } from '../render/terminal-text.ts'
import { showList } from '../show-list.ts'
import { addCreateOptions, type CreateFlags, readCreateRequest } from './build-create.ts'
import { addDownloadCommand } from './build-download.ts'
import { addBuildFigureCommands } from './build-figures.ts'
import { addBuildLogsCommand } from './build-logs.ts'
import { numberOf } from './build-number.ts'

interface StartFlags {
  watch?: true
}

interface ListFlags extends PageFlags {
  status?: BuildStatus
}

const statuses: readonly BuildStatus[] = ['pending', 'running', 'completed', 'failed']
const lastLines = 20
const watchOption = [
  '-w, --watch',
  'show it until it has ended, and exit with its outcome',
] as const

export function addBuildCommand(program: Command, act: Act): void {
  const build = program
    .command('build')
    .description('make custom packages and images from Git repositories')

  addCreateOptions(build.command('create').description('ask for a build; its number is printed'))
    .option('-x, --execute', 'begin it at once')
    .option('-w, --watch', 'begin it, show it until it has ended, and exit with its outcome')
    .action(
      act((context, flags: CreateFlags & StartFlags & { execute?: true }) =>
        create(context, flags),
      ),
    )
  addPageOptions(
    build
      .command('list')
      .description('the newest builds')
      .addOption(new Option('--status <status>', 'only these').choices(statuses)),
    { most: 1_000 },
  ).action(act((context, flags: ListFlags) => list(context, flags)))
  build
    .command('show <build>')
    .description('a build with its steps and what it made')
    .action(act((context, _flags, [which = '']) => show(context, which)))
  build
    .command('execute <build>')
    .description('begin the steps of a build that is pending')
    .option(...watchOption)
    .action(act((context, flags: StartFlags, [which = '']) => execute(context, which, flags)))
  build
    .command('watch <build>')
    .description('show a build until it has ended, and exit with its outcome')
    .action(act((context, _flags, [which = '']) => watch(context, numberOf(which))))
  build
    .command('cancel <build>')
    .description('stop it')
    .action(act((context, _flags, [which = '']) => cancel(context, which)))
  build
    .command('retry <build>')
    .description('make the same build anew, and begin it; the new number is printed')
    .option(...watchOption)
    .action(act((context, flags: StartFlags, [which = '']) => retry(context, which, flags)))
  addBuildLogsCommand(build, act)
  build
    .command('outputs <build>')
    .description('what it made')
    .action(act((context, _flags, [which = '']) => outputs(context, which)))
  addDownloadCommand(build, act)
  addBuildFigureCommands(build, act)
}

async function create(
  context: Context,
  flags: CreateFlags & StartFlags & { execute?: true },
): Promise<number> {
  const { signal } = context.io
  const request = await readCreateRequest(context, flags)
  const { client } = await context.connect()
  const made = await client.builds.create(request, { signal })
  const begins = flags.watch === true || flags.execute === true
  if (begins) await client.builds.execute(made.id, { signal })
  if (flags.watch === true) return watch(context, made.id)
  return printStarted(context, made, begins ? 'watch' : 'execute')
}

async function execute(context: Context, which: string, flags: StartFlags): Promise<number> {
  const id = numberOf(which)
  const { client } = await context.connect()
  const result = await client.builds.execute(id, { signal: context.io.signal })
  if (flags.watch === true) return watch(context, id)
  if (context.json) await printJson(context.io, { id, ...result })
  else await context.io.err.write(context.errorStyles.dim(`Watch it: slipway build watch ${id}\n`))
  return exitCodes.success
}

async function retry(context: Context, which: string, flags: StartFlags): Promise<number> {
  const { client } = await context.connect()
  const made = await client.builds.retry(numberOf(which), { signal: context.io.signal })
  return flags.watch === true ? watch(context, made.id) : printStarted(context, made, 'watch')
}

async function printStarted(
  { io, json, errorStyles }: Context,
  build: Build,
  next: 'watch' | 'execute',
): Promise<number> {
  if (json) await printJson(io, build)
  else {
    await io.out.write(`${build.id}\n`)
    const what = next === 'watch' ? 'Watch it' : 'Begin it'
    await io.err.write(errorStyles.dim(`${what}: slipway build ${next} ${build.id}\n`))
  }
  return exitCodes.success
}

async function list(context: Context, flags: ListFlags): Promise<number> {
  const { status, limit, offset } = flags
  const { signal } = context.io
  const { client } = await context.connect()
  const query = { limit, offset, ...(status === undefined ? {} : { status }) }
  const shown = {
    read: () => client.builds.list(query, { signal }),
    json: ({ runs, total }: ListBuildsResponse) => ({ builds: runs, total }),
    header: ['BUILD', 'STATUS', 'REPOSITORY', 'REF', 'WANTED', 'CREATED', 'TOOK', 'BY'],
    rows: ({ runs }: ListBuildsResponse) => runs.map(listRow),
    total: ({ total }: ListBuildsResponse) => total,
    empty: 'No builds. Make one: slipway build create --watch',
  }
  return showList(context, shown, flags)
}

function listRow(build: Build): string[] {
  const { id, status, failure_reason: reason, repository_info, ref, output_type } = build
  const spans = { started_at: build.executed_at, completed_at: build.completed_at }
  return [
    String(id),
    reason === null ? status : `${status} (${reason})`,
    repository_info.name,
    ref ?? '-',
    output_type,
    formatInstant(build.started_at),
    formatSpan(spans, Date.now()) || '-',
    build.created_by,
  ]
}

async function show(context: Context, which: string): Promise<number> {
  const { io, styles } = context
  const { client } = await context.connect()
  const build = await client.builds.get(numberOf(which), { signal: io.signal })
  if (context.json) {
    await printJson(io, build)
    return exitCodes.success
  }
  const columns = io.out.isTerminal ? io.out.columns() : 200
  const lines = renderBuild(build, { styles, now: Date.now(), frame: 0, columns })
  await io.out.write(lines.map((line) => `${line}\n`).join(''))
  await printEnd(context, build)
  return exitCodes.success
}

async function watch(context: Context, id: number): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const states = client.builds.watch(id, { signal: io.signal })
  let last: Build | null = null
  try {
    if (context.json) {
      for await (const build of states) {
        last = build
        await printJson(io, build)
      }
    } else last = await showBuild(io.out, context.styles, states)
  } catch (error) {
    if (io.signal.aborted)
      await io.err.write(`The build goes on. Stop it: slipway build cancel ${id}\n`)
    throw error
  }
  if (last === null) return exitCodes.failed
  if (!context.json) {
    await printEnd(context, last)
    if (last.status === 'failed') await printLastLines(context, last)
  }
  if (last.status === 'completed') return exitCodes.success
  return last.failure_reason === 'cancelled' ? exitCodes.cancelled : exitCodes.failed
}

/** What the steps do not say: why it failed, or what there is now. */
async function printEnd({ io, styles }: Context, build: Build): Promise<void> {
  if (build.error !== null) await io.out.write(`${styles.bold(terminalWord(build.error))}\n`)
  for (const output of build.build_outputs) {
    await io.out.write(`${outputWords(output).map(terminalWord).join('  ')}\n`)
  }
  if (build.build_outputs.some(({ download_url: url }) => url !== undefined)) {
    await io.err.write(styles.dim(`Get it: slipway build download ${build.id}\n`))
  }
}

/** What one would ask for next. */
async function printLastLines({ io, styles }: Context, { id, logs }: Build): Promise<void> {
  const lines = logs.replace(/\n$/, '').split('\n').slice(-lastLines)
  await io.out.write(`\n${styles.bold('── the end of its log')}\n`)
  for (const line of lines) {
    const shown = io.out.isTerminal ? terminalLine(line, styles.enabled) : line
    await io.out.write(`${shown}\n`)
  }
  await io.out.write(styles.dim(`   all of it: slipway build logs ${id}\n`))
}

async function cancel(context: Context, which: string): Promise<number> {
  const id = numberOf(which)
  const { client } = await context.connect()
  const build = await client.builds.cancel(id, { signal: context.io.signal })
  if (context.json) await printJson(context.io, build)
  else await context.io.err.write(`Cancelled ${id}\n`)
  return exitCodes.success
}

async function outputs(context: Context, which: string): Promise<number> {
  const { signal } = context.io
  const { client } = await context.connect()
  return showList(context, {
    read: () => client.builds.outputs(numberOf(which), { signal }),
    json: (made: BuildOutput[]) => made,
    header: ['OUTPUT', 'TYPE', 'WHAT', 'SIZE', 'EXPIRES', 'DIGEST'],
    rows: (made: BuildOutput[]) =>
      made.map((output) => [
        String(output.id),
        ...outputWords(output),
        output.expires_at === null ? 'never' : formatInstant(output.expires_at),
        output.checksum_sha256 ?? output.image_digest ?? '-',
      ]),
    empty: 'It has made nothing.',
  })
}

function outputWords(output: BuildOutput): [string, string, string] {
  const name = output.file_path?.split('/').at(-1) ?? output.image_url ?? ''
  const size = output.file_size_bytes ?? output.image_size_bytes ?? 0
  return [output.output_type, name, formatBytes(size)]
}
