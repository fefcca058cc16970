import type { BrandingTemplate } from '@slipway/contract/branding'
import { type Context, printJson } from './context.ts'
import { exitCodes } from './exit-codes.ts'
import { terminalWord } from './render/terminal-text.ts'

/** Says what became of a branding template. */
export async function printTemplate(
  { io, json }: Context,
  template: BrandingTemplate,
  what: string,
): Promise<number> {
  if (json) await printJson(io, template)
  else await io.err.write(`${what} ${terminalWord(template.name)} (${template.id})\n`)
  return exitCodes.success
}
