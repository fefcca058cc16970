import type { Command } from 'commander'

/** The words of a command behind `slipway`. */
export function pathOf(command: Command): string {
  const { parent } = command
  return parent === null ? '' : `${pathOf(parent)} ${command.name()}`.trim()
}
