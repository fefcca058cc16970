import { InvalidArgumentError } from 'commander'

/** Parses an option's value; anything else is a usage error that says the range. */
export function integerBetween(least: number, most: number) {
  return (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw new InvalidArgumentError(`It is not a whole number from ${least} to ${most}.`)
  }
}
