import { randomUUID } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { brandingLimits } from '@slipway/contract/vocabulary'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { findTemplate } from '../find-template.ts'
import { printTemplate } from '../print-template.ts'
import { putInPlace, refuseExisting } from '../put-in-place.ts'
import { readUpload } from '../read-upload.ts'
import { terminalWord } from '../render/terminal-text.ts'

interface ExportFlags {
  output?: string
  force?: boolean
}

/** Bytes of a template's file: its assets, and what is said of them. */
const fileBytes = brandingLimits.templateBytes + 8 * 1024 * 1024

export function addBrandingFileCommands(branding: Command, act: Act): void {
  branding
    .command('export <template>')
    .description('write a template with its assets to a file, for another server')
    .option('-o, --output <file>', 'file to write; default: as the server calls it, here')
    .option('-f, --force', 'write over a file that is there')
    .action(
      act((context, flags: ExportFlags, [which = '']) => exportTemplate(context, which, flags)),
    )
  branding
    .command('import <file>')
    .description('keep what was exported')
    .option('--name <name>', 'what to call it; default: as in the file')
    .action(
      act((context, flags: { name?: string }, [file = '']) => importTemplate(context, file, flags)),
    )
}

async function exportTemplate(
  context: Context,
  which: string,
  { output, force = false }: ExportFlags,
): Promise<number> {
  const { io } = context
  const { id } = await findTemplate(context, which)
  const { client } = await context.connect()
  const { fileName, body } = await client.branding.export(id, { signal: io.signal })
  const target = resolve(io.cwd, output ?? safeName(fileName, id))
  const partial = `${target}.${randomUUID().slice(0, 8)}.part`
  try {
    if (!force) await refuseExisting(target)
    await write(partial, body)
    await putInPlace(partial, { target, force })
  } finally {
    await body.cancel().catch(() => {})
    await rm(partial, { force: true })
  }
  if (context.json) await printJson(io, { id, file: target })
  else await io.out.write(`${terminalWord(target)}\n`)
  return exitCodes.success
}

async function write(file: string, body: ReadableStream<Uint8Array>): Promise<void> {
  const handle = await open(file, 'wx')
  try {
    for await (const chunk of body) await handle.write(chunk)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** It must not lead anywhere else. */
function safeName(name: string | null, id: number): string {
  const isPlain = name !== null && /^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$/.test(name)
  return isPlain ? name : `template-${id}.branding.tar.gz`
}

async function importTemplate(
  context: Context,
  file: string,
  { name }: { name?: string },
): Promise<number> {
  const { io } = context
  const content = await readUpload(resolve(io.cwd, file), fileBytes)
  const { client } = await context.connect()
  const made = await client.branding.import(content, name, { signal: io.signal })
  return printTemplate(context, made, 'Keeps')
}
