import { CliError } from './cli-error.ts'
import { exitCodes } from './exit-codes.ts'

/**
 * What has this name, else what has it as its id.
 *
 * @throws CliError when there is neither
 */
export async function findByName<T>(
  which: string,
  look: {
    named: (name: string) => Promise<readonly T[]>
    byId: (id: number) => Promise<T>
    /** The command that lists them, such as `credential`. */
    kind: string
    /** What it is called; default: as the command. */
    what?: string
  },
): Promise<T> {
  const [found] = await look.named(which)
  if (found !== undefined) return found
  if (/^[1-9]\d{0,9}$/.test(which)) return look.byId(Number(which))
  throw new CliError(
    `No ${look.what ?? look.kind} has the name ${which}`,
    `See which there are: slipway ${look.kind} list`,
    exitCodes.refused,
  )
}
