import { createProgram } from '../packages/cli/src/create-program.ts'
import { type CommandNotes, notesOf } from '../packages/cli/src/reference/commands.ts'

type Command = Awaited<ReturnType<typeof createProgram>>
type Option = Command['options'][number]
type Argument = Command['registeredArguments'][number]

/** Writes docs/cli-reference.md from the definitions of the commands. */
export async function generateCliPage(): Promise<string> {
  const nothing = { writeOut: ignore, writeErr: ignore, outColumns: () => 80, errColumns: () => 80 }
  const program = await createProgram(() => async () => undefined, nothing)
  const groups = new Map<string, Command[]>()
  for (const one of program.commands.filter(isShown)) {
    groups.set(one.helpGroup(), [...(groups.get(one.helpGroup()) ?? []), one])
  }
  const parts = [...groups].map(([group, commands]) => {
    const sections = commands.flatMap((one) => sectionsOf(one, []))
    return `## ${group.replace(/:$/, '')}\n\n${sections.join('\n')}`
  })
  return `<!-- Written by npm run generate from the commands themselves; changes here are lost. -->

# Reference of the \`slipway\` command

Every command, what it takes, and the [permission](permissions.md) that the server asks for. The [guide](cli.md) says
how they belong together: first steps, servers and tokens, output, exit codes. \`--help\` behind a command shows the same.

## Options of every command

${optionTable([...program.options])}

${parts.join('\n')}`
}

function ignore(): void {}

function isShown(command: Command): boolean {
  return command.name() !== 'help'
}

/** A command that does something, and those below it. */
function sectionsOf(command: Command, above: readonly string[]): string[] {
  const path = [...above, command.name()]
  const below = command.commands.filter(isShown).flatMap((one) => sectionsOf(one, path))
  const notes = notesOf(path.join(' '))
  return notes === undefined ? below : [sectionOf(command, path, notes), ...below]
}

function sectionOf(command: Command, path: readonly string[], notes: CommandNotes): string {
  const words = ['slipway', ...path]
  const places = command.registeredArguments.map(placeOf)
  const also = command.aliases().map((alias) => `\`${[...words.slice(0, -1), alias].join(' ')}\``)
  const parts = [
    `### ${words.join(' ')}`,
    sentence(command.description()),
    also.length === 0 ? '' : `Also: ${also.join(', ')}.`,
    `\`\`\`text\n${[...words, ...places, ...(command.options.length > 0 ? ['[options]'] : [])].join(' ')}\n\`\`\``,
    argumentTable(command.registeredArguments),
    optionTable(command.options),
    needsOf(notes),
    `\`\`\`sh\n${notes.examples.join('\n')}\n\`\`\``,
  ]
  return `${parts.filter(Boolean).join('\n\n')}\n`
}

function placeOf(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}

function needsOf({ needs }: CommandNotes): string {
  if (needs === null) return ''
  return needs === 'token' ? 'Needs any valid token.' : `Needs \`${needs}\`.`
}

function argumentTable(all: readonly Argument[]): string {
  const told = all.filter(({ description }) => description)
  return table(
    ['Argument', 'What it is'],
    told.map((one) => [`\`${one.name()}\``, one.description]),
  )
}

function optionTable(options: readonly Option[]): string {
  return table(
    ['Option', 'What it does'],
    options
      .filter(({ hidden }) => !hidden)
      .map((option) => [`\`${option.flags}\``, describe(option)]),
  )
}

function describe({ description, argChoices, defaultValue, mandatory }: Option): string {
  const value =
    typeof defaultValue === 'string' || typeof defaultValue === 'number' ? defaultValue : undefined
  return [
    plainText(description),
    argChoices === undefined ? '' : `one of ${argChoices.map((one) => `\`${one}\``).join(', ')}`,
    value === undefined ? '' : `default: \`${value}\``,
    mandatory ? 'must be given' : '',
  ]
    .filter(Boolean)
    .join('; ')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ''
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function sentence(text: string): string {
  const plain = plainText(text)
  return `${plain.charAt(0).toUpperCase()}${plain.slice(1)}.`
}

/** What is in angle brackets is no tag of HTML. */
function plainText(text: string): string {
  return text.replaceAll('<', String.raw`\<`)
}
