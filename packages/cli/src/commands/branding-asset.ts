import { basename, resolve } from 'node:path'
import type { AssetType, BrandingAsset, BrandingTemplate } from '@slipway/contract/branding'
import { assetTypes, brandingLimits } from '@slipway/contract/vocabulary'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { findTemplate } from '../find-template.ts'
import { readUpload } from '../read-upload.ts'
import { formatBytes } from '../render/format-bytes.ts'
import { terminalWord } from '../render/terminal-text.ts'

interface AddFlags {
  to: string
  type: AssetType
}

interface UpdateFlags {
  to?: string
  type?: AssetType
}

const types = assetTypes

export function addBrandingAssetCommand(branding: Command, act: Act): void {
  const asset = branding.command('asset').description('files that a template copies into the tree')
  asset
    .command('create <template> <file>')
    .alias('add')
    .description('upload a file')
    .requiredOption('--to <path>', 'where it is put in the repository, e.g. static/logo.png')
    .addOption(new Option('--type <type>', 'what it is for').choices(types).default('other'))
    .action(
      act((context, flags: AddFlags, [which = '', file = '']) => add(context, which, file, flags)),
    )
  asset
    .command('update <template> <asset>')
    .description('put it elsewhere, or to another use; an asset is named by its path or id')
    .option('--to <path>', 'where it is put in the repository')
    .addOption(new Option('--type <type>', 'what it is for').choices(types))
    .action(
      act((context, flags: UpdateFlags, [which = '', name = '']) =>
        update(context, { which, name }, flags),
      ),
    )
  asset
    .command('delete <template> <asset>')
    .alias('remove')
    .description('take it out of the template')
    .action(act((context, _flags, [which = '', name = '']) => remove(context, { which, name })))
}

async function add(
  context: Context,
  which: string,
  file: string,
  { to, type }: AddFlags,
): Promise<number> {
  const { io } = context
  const content = await readUpload(resolve(io.cwd, file), brandingLimits.assetBytes)
  const { id } = await findTemplate(context, which)
  const { client } = await context.connect()
  const input = { type, targetPath: to, fileName: basename(file), content }
  const made = await client.branding.addAsset(id, input, { signal: io.signal })
  return print(context, made, 'Keeps')
}

async function update(
  context: Context,
  { which, name }: { which: string; name: string },
  { to, type }: UpdateFlags,
): Promise<number> {
  if (to === undefined && type === undefined) {
    throw new CliError('There is nothing to change', 'See slipway branding asset update --help')
  }
  const template = await findTemplate(context, which)
  const { id } = findAsset(template, name)
  const request = {
    ...(to === undefined ? {} : { target_path: to }),
    ...(type === undefined ? {} : { asset_type: type }),
  }
  const { client } = await context.connect()
  const { signal } = context.io
  return print(
    context,
    await client.branding.updateAsset(template.id, id, request, { signal }),
    'Changed',
  )
}

async function remove(
  context: Context,
  { which, name }: { which: string; name: string },
): Promise<number> {
  const { io } = context
  const template = await findTemplate(context, which)
  const { id, target_path: path } = findAsset(template, name)
  const { client } = await context.connect()
  await client.branding.deleteAsset(template.id, id, { signal: io.signal })
  if (context.json) await printJson(io, { id, deleted: true })
  else await io.err.write(`Deleted ${terminalWord(path)}\n`)
  return exitCodes.success
}

/** By target path, else by id. */
function findAsset({ assets, name: template }: BrandingTemplate, name: string): BrandingAsset {
  const found =
    assets.find(({ target_path: path }) => path === name) ??
    assets.find(({ id }) => String(id) === name)
  if (found !== undefined) return found
  throw new CliError(
    `The template ${template} has no asset ${name}`,
    `See which it has: slipway branding show ${terminalWord(template)}`,
    exitCodes.refused,
  )
}

async function print(context: Context, one: BrandingAsset, what: string): Promise<number> {
  const { io } = context
  if (context.json) await printJson(io, one)
  else {
    const { target_path: path, content_type: type, size_bytes: size, id } = one
    await io.err.write(
      `${what} ${terminalWord(path)} (${id}): ${terminalWord(type)}, ${formatBytes(size)}\n`,
    )
  }
  return exitCodes.success
}
