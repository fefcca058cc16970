import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { BrandingTemplate } from '@slipway/contract/branding'
import { brandingLimits } from '@slipway/contract/vocabulary'
import { type Entry, extract } from 'tar-stream'
import { requireUnlimited } from '../access/index.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { newAssetKey } from './asset-objects.ts'
import { insertAsset } from './assets/add-asset.ts'
import { judgeAsset, type Problem, refuse } from './assets/check-asset.ts'
import { orDiscard } from './assets/discard-objects.ts'
import { type ReceivedFile, receiveFile } from './assets/receive-file.ts'
import { checkRules, toRuleText } from './check-rules.ts'
import type { BrandingDeps } from './deps.ts'
import {
  type Manifest,
  manifestBytes,
  manifestName,
  parseManifest,
  templateFileBytes,
} from './template-file.ts'
import { type AssetRow, nameTaken, things, toTemplate } from './template-rows.ts'

/** What was read of a file that is being imported. */
interface Received {
  manifest: Manifest
  assets: { file: ReceivedFile; contentType: string }[]
}

/** A file that is being imported: stored as it comes, and gone again unless `keepImport` takes it. */
export interface IncomingTemplate {
  received: Received
  discard(): Promise<void>
}

/**
 * Reads a file of `exportTemplate` as it comes. It is judged as any input is: names and paths in it lead
 * nowhere, only what the manifest lists may be there, and it may hold no more than a template may.
 * `invalid_request` with all that is wrong, `payload_too_large` where it is too much.
 */
export async function receiveImport(
  deps: BrandingDeps,
  input: { principal: Principal; body: AsyncIterable<Buffer> },
  signal: AbortSignal,
): Promise<IncomingTemplate> {
  requireUnlimited(input.principal, things)
  return orDiscard(deps, async (stored) => {
    const received = await readArchive(deps, { body: input.body, stored })
    await checkRules(deps, received.manifest.template.replacement_rules ?? [], signal)
    const discard = async () => {
      for (const key of stored) await deps.objects.delete(key)
    }
    return { received, discard }
  })
}

async function readArchive(
  deps: BrandingDeps,
  input: { body: AsyncIterable<Buffer>; stored: string[] },
): Promise<Received> {
  const { stored } = input
  const archive = extract()
  const unpacking = pipeline(
    Readable.from(bounded(input.body, templateFileBytes), { objectMode: false }),
    createGunzip(),
    (chunks) => bounded(chunks as AsyncIterable<Buffer>, templateFileBytes),
    archive,
  )
  // Whatever is wrong with it ends the loop below as well.
  unpacking.catch(() => undefined)
  let manifest: Manifest | null = null
  const assets: Received['assets'] = []
  const problems: Problem[] = []
  try {
    for await (const entry of archive) {
      if (entry.header.type !== 'file') throw notExpected(entry)
      if (manifest === null) {
        if (entry.header.name !== manifestName) throw notExpected(entry)
        manifest = parseManifest(await readWhole(entry))
        continue
      }
      const index = assets.length
      const listed = manifest.assets[index]
      if (listed === undefined || entry.header.name !== listed.file) throw notExpected(entry)
      const objectKey = newAssetKey()
      stored.push(objectKey)
      const file = await receiveFile(deps, {
        objectKey,
        body: entry,
        maxBytes: brandingLimits.assetBytes,
        name: listed.file,
      })
      const judged = await judgeAsset(file.content, {
        assetType: listed.asset_type,
        fileName: listed.file_name,
        targetPath: listed.target_path,
        contentType: null,
      })
      const path = `/assets/${index}`
      problems.push(
        ...judged.problems.map((problem) => ({ ...problem, path: path + problem.path })),
      )
      if (file.sha256 !== listed.sha256 || file.sizeBytes !== listed.size_bytes) {
        problems.push({ path, message: 'is not the file that it says it is' })
      }
      assets.push({ file: { ...file, content: noContent }, contentType: judged.contentType })
    }
    await unpacking
  } catch (error) {
    archive.destroy()
    throw error instanceof AppError || isOurs(error) ? error : unreadable()
  }
  if (manifest === null) throw unreadable()
  for (const [index, { file }] of manifest.assets.entries()) {
    if (index >= assets.length)
      problems.push({ path: `/assets/${index}`, message: `lacks ${file}` })
  }
  refuse(problems, 'file')
  return { manifest, assets }
}

/** What was judged is not kept in memory. */
const noContent = { head: Buffer.alloc(0), whole: null }

/** The object store's own failures, by their codes; those of archives and streams have others. */
function isOurs(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? ''
  return /^(ENOSPC|EACCES|EIO|EROFS|EMFILE|EDQUOT)$/.test(code)
}

/** Chunks, as long as they are no more than `maxBytes` altogether: archives can grow a thousandfold. */
async function* bounded(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > maxBytes) {
      throw new AppError('payload_too_large', `A template is at most ${maxBytes} bytes`)
    }
    yield chunk
  }
}

async function readWhole(entry: Entry): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of bounded(entry, manifestBytes)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function notExpected({ header }: Entry): AppError {
  const name = JSON.stringify(header.name.slice(0, 200))
  const what = header.type === 'file' ? name : `${name}, which is no file`
  return new AppError(
    'invalid_request',
    `The file is not valid: it holds ${what}, not what it lists`,
  )
}

function unreadable(): AppError {
  return new AppError('invalid_request', 'The file is not that of a branding template')
}

/**
 * Makes what was received a template, under `name` or its own. A `resource_conflict` where there is one
 * with the name, or two of its assets have one target path; the caller discards it then.
 */
export async function keepImport(
  { db }: Pick<BrandingDeps, 'db'>,
  input: { principal: Principal; received: Received; name?: string | undefined },
): Promise<BrandingTemplate> {
  const { principal, received } = input
  const { template, assets } = received.manifest
  const name = input.name ?? template.name
  const now = new Date()
  const by = { created_by: principal.name, created_at: now }
  return db.transaction().execute(async (trx) => {
    const row = await trx
      .insertInto('branding_templates')
      .values({
        name,
        description: template.description ?? null,
        brand_name: template.brand_name ?? null,
        replacement_rules: JSON.stringify((template.replacement_rules ?? []).map(toRuleText)),
        ...by,
        updated_at: now,
      })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .returningAll()
      .executeTakeFirst()
    if (row === undefined) throw nameTaken(name)
    const rows: AssetRow[] = []
    for (const [index, { file, contentType }] of received.assets.entries()) {
      const listed = assets[index]
      if (listed === undefined) continue
      const asset = await insertAsset(trx, {
        template_id: row.id,
        asset_type: listed.asset_type,
        file_name: listed.file_name,
        target_path: listed.target_path,
        content_type: contentType,
        size_bytes: file.sizeBytes,
        sha256: file.sha256,
        object_key: file.objectKey,
        ...by,
      })
      rows.push(asset)
    }
    return toTemplate(row, rows)
  })
}
