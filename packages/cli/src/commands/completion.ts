import { Argument, type Command } from 'commander'
import type { Act } from '../act.ts'
import { exitCodes } from '../exit-codes.ts'

export function addCompletionCommand(program: Command, act: Act): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .description('print a completion script; e.g. source <(slipway completion bash)')
    .action(
      act(async ({ io }, _flags, [shell = '']) => {
        await io.out.write(shell === 'fish' ? fishScript(program) : bashScript(program, shell))
        return exitCodes.success
      }),
    )
}

interface Node {
  /** Words that lead to the command; '' is the program itself. */
  path: string
  words: string[]
  options: string[]
  children: { name: string; description: string }[]
}

function nodes(command: Command, path = ''): Node[] {
  const children = command.commands.map((child) => ({
    name: child.name(),
    description: child.description(),
  }))
  const options = command.options.map(({ long, short }) => long ?? short ?? '')
  const words = [...children.map(({ name }) => name), ...options]
  const below = command.commands.flatMap((child) => nodes(child, `${path} ${child.name()}`.trim()))
  return [{ path, words, options, children }, ...below]
}

// Names of commands and options are ours: letters and hyphens, nothing that a shell would read.
function bashScript(program: Command, shell: string): string {
  const all = nodes(program)
  const global = all[0]?.options.join(' ') ?? ''
  const steps = all
    .filter(({ path }) => path !== '')
    .map(({ path }) => `      '${path}') path='${path}' ;;`)
  const replies = all.map(({ path, words }) => `    '${path}') words='${words.join(' ')}' ;;`)
  const start = shell === 'zsh' ? ['autoload -U +X bashcompinit && bashcompinit'] : []
  return `${[
    ...start,
    '_slipway() {',
    "  local current=\"${COMP_WORDS[COMP_CWORD]}\" path='' words='' word next",
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    next="${path:+$path }$word"',
    '    case "$next" in',
    ...steps,
    '    esac',
    '  done',
    '  case "$path" in',
    ...replies,
    '  esac',
    `  COMPREPLY=($(compgen -W "$words ${global}" -- "$current"))`,
    '}',
    'complete -o default -F _slipway slipway',
  ].join('\n')}\n`
}

function fishScript(program: Command): string {
  const quote = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`
  const lines = nodes(program).flatMap(({ path, children, options }) => {
    const condition =
      path === ''
        ? '__fish_use_subcommand'
        : path
            .split(' ')
            .map((word) => `__fish_seen_subcommand_from ${word}`)
            .join('; and ')
    return [
      ...children.map(
        ({ name, description }) =>
          `complete -c slipway -f -n ${quote(condition)} -a ${name} -d ${quote(description)}`,
      ),
      ...options.map((option) => {
        const when = path === '' ? '' : ` -n ${quote(condition)}`
        return `complete -c slipway${when} -l ${option.replace(/^-+/, '')}`
      }),
    ]
  })
  return `${lines.join('\n')}\n`
}
