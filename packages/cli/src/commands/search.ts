import type { SearchKind, SearchResult } from '@slipway/contract/search'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { integerBetween } from '../integer-between.ts'
import { formatInstant } from '../render/format-time.ts'
import { terminalWord } from '../render/terminal-text.ts'

const kinds = ['run', 'release', 'log'] as const

interface Flags {
  kind?: SearchKind
  repository?: string
  limit: number
}

export function addSearchCommand(program: Command, act: Act): void {
  program
    .command('search <words...>')
    .description('find runs, releases and lines of logs; "a phrase", OR; -- before -without')
    .addOption(new Option('--kind <kind>', 'only these').choices(kinds))
    .option('-r, --repository <owner/name>', 'only this repository')
    .option('-n, --limit <n>', 'how many, 1 to 1000', integerBetween(1, 1000), 20)
    .action(
      act((context, flags: Flags, [words]) =>
        // Commander hands the rest of the arguments over as a list.
        find(context, ([words].flat() as string[]).join(' '), flags),
      ),
    )
}

async function find(context: Context, q: string, flags: Flags): Promise<number> {
  const { io, styles } = context
  const { client } = await context.connect()
  const query = {
    q,
    limit: Math.min(flags.limit, 100),
    ...(flags.kind === undefined ? {} : { kind: flags.kind }),
    ...(flags.repository === undefined ? {} : { repository: flags.repository }),
  }
  let count = 0
  for await (const result of client.search.iterate(query, { signal: io.signal })) {
    count += 1
    if (context.json) await printJson(io, result)
    else {
      const when = formatInstant(result.at)
      await io.out.write(
        `${styles.bold(title(result))} ${styles.dim(`${when}  ${place(result)}`)}\n`,
      )
      await io.out.write(`  ${mark(result, styles.yellow)}\n`)
    }
    if (count === flags.limit) break
  }
  if (count === 0 && !context.json) await io.err.write('Nothing was found.\n')
  return exitCodes.success
}

function title(result: SearchResult): string {
  const { kind, repository, project, release_number: number, phase, step, line } = result
  if (kind === 'run') return terminalWord(`run ${repository}`)
  if (kind === 'release') return terminalWord(`release ${repository}/${project} #${number}`)
  return terminalWord(`log ${repository} ${phase}/${project}/${step}:${line}`)
}

function place({ run_id: run, release_id: release }: SearchResult): string {
  return run ?? release ?? ''
}

/** The excerpt with what was found in another colour; what a log says may not command a terminal. */
function mark({ excerpt, highlights }: SearchResult, paint: (text: string) => string): string {
  let end = 0
  let text = ''
  for (const [from, to] of highlights) {
    text += terminalWord(excerpt.slice(end, from)) + paint(terminalWord(excerpt.slice(from, to)))
    end = to
  }
  return text + terminalWord(excerpt.slice(end))
}
