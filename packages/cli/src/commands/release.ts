import { readFile } from 'node:fs/promises'
import type {
  ListReleasesResponse,
  Release,
  ReleaseArtifactInput,
  ReleaseSummary,
} from '@slipway/contract/releases'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { findRepository } from '../git/find-repository.ts'
import { readCheckout, resolveCommit } from '../git/read-checkout.ts'
import { addPageOptions, type PageFlags, repositoryOption } from '../list-options.ts'
import { formatInstant } from '../render/format-time.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { showList } from '../show-list.ts'

interface CreateFlags {
  repository?: string
  commit?: string
  run?: string
  artifacts?: string
}

interface ListFlags extends PageFlags {
  repository?: string
}

interface AliasFlags {
  repository?: string
  move?: boolean
  delete?: boolean
}

export function addReleaseCommand(program: Command, act: Act): void {
  const release = program.command('release').description('make, list, show and name releases')

  release
    .command('create <project>')
    .description('release a project at a commit; its id is printed')
    .option(...repositoryOption)
    .option('-c, --commit <sha>', 'commit, also as a revision of the checkout; default: HEAD')
    .option('--run <id>', 'run whose artifacts it is made of; default: the newest of the commit')
    .option('--artifacts <file>', 'JSON list of artifacts that were published elsewhere')
    .action(act((context, flags: CreateFlags, [project = '']) => create(context, project, flags)))

  addPageOptions(
    release
      .command('list <project>')
      .description('the newest releases of a project')
      .option(...repositoryOption),
    { most: 100 },
  ).action(act((context, flags: ListFlags, [project = '']) => list(context, project, flags)))

  release
    .command('show <project> [release]')
    .description(
      'a release by alias, number or commit; or by its id alone, in place of the project',
    )
    .option(...repositoryOption)
    .action(
      act((context, flags: { repository?: string }, [project = '', which]) =>
        show(context, { project, which }, flags),
      ),
    )

  release
    .command('alias <project> <release> <alias>')
    .description('give a release a name of your own')
    .option(...repositoryOption)
    .option('--move', 'take it from the release that it names now')
    .option('--delete', 'take it away from the release')
    .action(
      act((context, flags: AliasFlags, [project = '', which = '', name = '']) =>
        alias(context, { project, release: which }, name, flags),
      ),
    )
}

async function create(context: Context, project: string, flags: CreateFlags): Promise<number> {
  const { io } = context
  const repository = await findRepository(io, flags.repository)
  const request = {
    repository,
    project,
    commit_sha: await findCommit(context, flags.commit),
    artifacts: flags.artifacts === undefined ? [] : await readArtifacts(flags.artifacts),
    ...(flags.run === undefined ? {} : { pipeline_run_id: flags.run }),
  }
  const { client } = await context.connect()
  const made = await client.releases.create(request, { signal: io.signal })
  if (context.json) {
    await printJson(io, made)
    return exitCodes.success
  }
  await io.out.write(`${made.id}\n`)
  const told = `Release #${made.release_number} of ${project}: ${made.oci_uri}`
  await io.err.write(`${context.errorStyles.dim(terminalWord(told))}\n`)
  return exitCodes.success
}

async function findCommit({ io }: Context, commit: string | undefined): Promise<string> {
  if (commit !== undefined && /^[0-9a-f]{7,40}$/i.test(commit)) return commit
  const sha =
    commit === undefined ? (await readCheckout(io)).commit : await resolveCommit(io, commit)
  if (sha === null) throw new CliError(`Not a commit of this checkout: ${commit}`)
  return sha
}

/** What is in the list is the server's to judge. */
async function readArtifacts(file: string): Promise<ReleaseArtifactInput[]> {
  const hint = 'It is a JSON list of {name, type, tracking_oci_uri, primary_published_uri}.'
  const text = await readFile(file, 'utf8').catch(() => {
    throw new CliError(`The file ${file} cannot be read`, hint)
  })
  try {
    const value: unknown = JSON.parse(text)
    if (Array.isArray(value)) return value as ReleaseArtifactInput[]
  } catch {
    // Said below, with what would be right.
  }
  throw new CliError(`There is no JSON list in ${file}`, hint)
}

async function list(context: Context, project: string, flags: ListFlags): Promise<number> {
  const { signal } = context.io
  const repository = await findRepository(context.io, flags.repository)
  const { client } = await context.connect()
  const { limit, offset } = flags
  const shown = {
    read: () => client.releases.list({ repository, project }, { limit, offset }, { signal }),
    json: (page: ListReleasesResponse) => page,
    header: ['RELEASE', 'COMMIT', 'TRIGGER', 'ALIASES', 'CREATED', 'BY', 'ID'],
    rows: ({ releases }: ListReleasesResponse) => releases.map(listRow),
    total: ({ total }: ListReleasesResponse) => total,
    empty: `No releases of ${project} in ${repository}. Make one: slipway release create ${project}`,
  }
  return showList(context, shown, flags)
}

function listRow(release: ReleaseSummary): string[] {
  const { id, release_number, commit_sha, trigger_type, aliases, created_at, created_by } = release
  const own = aliases.filter(({ alias_type }) => alias_type !== 'numeric')
  const names = own.map(({ alias }) => alias).join(',') || '-'
  const words = [`#${release_number}`, commit_sha.slice(0, 8), trigger_type, names]
  return [...words, formatInstant(created_at), created_by, id]
}

async function show(
  context: Context,
  { project, which }: { project: string; which: string | undefined },
  flags: { repository?: string },
): Promise<number> {
  const { io } = context
  const name =
    which === undefined
      ? requireId(project)
      : { repository: await findRepository(io, flags.repository), project, release: which }
  const { client } = await context.connect()
  const release = await client.releases.get(name, { signal: io.signal })
  if (context.json) await printJson(io, release)
  else await printRelease(context, release)
  return exitCodes.success
}

function requireId(text: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text
  throw new CliError(
    `${text} is no id of a release`,
    `Say which one of the project: slipway release show ${text} 42`,
  )
}

async function printRelease({ io, styles }: Context, release: Release): Promise<void> {
  const { repository, project, release_number, commit_sha, trigger, aliases } = release
  const branch = trigger.branch === undefined ? '' : ` of ${trigger.branch}`
  const facts: [string, string][] = [
    ['commit', commit_sha],
    ['aliases', aliases.map(({ alias }) => alias).join(', ')],
    ['created', `${formatInstant(release.created_at)} by ${release.created_by}`],
    ['trigger', `${trigger.trigger_type}${branch} by ${trigger.triggered_by}`],
    ['artifact', release.oci_uri],
    ['digest', release.oci_digest],
    ...(release.pipeline_run_id === null
      ? []
      : [['run', release.pipeline_run_id] satisfies [string, string]]),
    ['id', release.id],
  ]
  const title = terminalWord(`${repository} ${project} #${release_number}`)
  const lines = facts.map(([key, value]) => `${styles.dim(key.padEnd(9))}${terminalWord(value)}`)
  const artifacts = release.artifacts.map(({ name, type, primary_published_uri }) =>
    terminalWord(`  ${name} (${type}) ${primary_published_uri}`),
  )
  await io.out.write(`${[styles.bold(title), ...lines, ...artifacts].join('\n')}\n`)
}

async function alias(
  context: Context,
  name: { project: string; release: string },
  wanted: string,
  flags: AliasFlags,
): Promise<number> {
  const { io } = context
  const { signal } = io
  if (flags.move && flags.delete) {
    throw new CliError('--move and --delete do not go together')
  }
  const release = { ...name, repository: await findRepository(io, flags.repository) }
  const { client } = await context.connect()
  if (flags.delete === true) {
    await client.releases.deleteAlias(release, wanted, { signal })
    if (context.json) await printJson(io, { alias: wanted, deleted: true })
    else await io.err.write(`${terminalWord(wanted)} no longer names a release\n`)
    return exitCodes.success
  }
  const move = flags.move === true ? { move: true } : {}
  const set = await client.releases.setAlias(release, wanted, { ...move, signal })
  if (context.json) await printJson(io, set)
  else await io.err.write(`${terminalWord(set.alias)} names release #${set.release_number}\n`)
  return exitCodes.success
}
