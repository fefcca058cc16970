import { CliError } from '../cli-error.ts'

/** The id that names a build. */
export function numberOf(which: string): number {
  if (/^[1-9]\d{0,9}$/.test(which)) return Number(which)
  throw new CliError(`${which} is no number of a build`, 'See which there are: slipway build list')
}
