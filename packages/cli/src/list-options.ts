import { type Command, Option } from 'commander'
import { integerBetween } from './integer-between.ts'

/** Of every command that shows a list. */
export interface PageFlags {
  limit: number
  offset: number
  watch?: boolean
}

/** Items of a list that is not long by nature, such as tokens: as many as one wants to see at once. */
const mostOfAll = 10_000
const usualOfAll = 1_000

export const repositoryOption = [
  '-r, --repository <owner/name>',
  "default: that of the git checkout's remote",
] as const

/** Which environment is meant; `--to` reads well behind what is promoted or approved. */
export function toOption(description: string): Option {
  return new Option('--to, --environment <environment>', description)
}

export const environmentOption = [
  '-e, --environment <environment>',
  'environment, such as production',
] as const

/** How much of a list, from where on, and whether to go on with it. Without `most`: all, within reason. */
export function addPageOptions(
  command: Command,
  {
    most = mostOfAll,
    usual = most === mostOfAll ? usualOfAll : 20,
  }: { most?: number; usual?: number } = {},
): Command {
  return addWatchOption(
    command
      .option('-n, --limit <n>', `how many, 1 to ${most}`, integerBetween(1, most), usual)
      .option('--offset <n>', 'skip so many', integerBetween(0, 2_147_483_647), 0),
  )
}

/** The same of a list that the server has in pages. */
export function addNumberedPageOptions(
  command: Command,
  { most, usual }: { most: number; usual: number },
): Command {
  return addPageOptions(command, { most, usual }).addOption(
    new Option('--page <n>', 'which page of so many, instead of --offset')
      .argParser(integerBetween(1, 1_000_000))
      .conflicts('offset'),
  )
}

export function addWatchOption(command: Command): Command {
  return command.option('-w, --watch', 'go on, and show what changes as it does, until Ctrl-C')
}
