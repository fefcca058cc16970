import type { BuildOutput } from '@slipway/contract/builds'
import { sql } from 'kysely'
import { canSee } from '../access/index.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { findBuild } from './build-rows.ts'
import type { BuildsDeps } from './deps.ts'
import { hasExpired, toOutput } from './output-rows.ts'

/** A file that somebody may have. */
export interface Download {
  outputId: number
  objectKey: string
  fileName: string
  sizeBytes: number
  /** Hexadecimal. */
  sha256: string
  createdAt: Date
}

/** What a build has made, in the order in which it was made. */
export async function listOutputs(
  deps: Pick<BuildsDeps, 'db'>,
  input: { principal: Principal; buildId: number },
): Promise<BuildOutput[]> {
  const { id } = await findBuild(deps, { principal: input.principal, id: input.buildId })
  const rows = await deps.db
    .selectFrom('build_outputs')
    .selectAll()
    .where('build_id', '=', id)
    .orderBy('id')
    .execute()
  return rows.map(toOutput)
}

/**
 * Finds the file of an output. An image is an `invalid_request`, what has expired `gone`, a file that is
 * not in the store `resource_not_found`: errors of a download; so is, without being one, an unknown output.
 */
export async function findDownload(
  deps: Pick<BuildsDeps, 'db' | 'objects'>,
  input: { principal: Principal; outputId: number },
): Promise<Download> {
  const { principal, outputId } = input
  const row = await deps.db
    .selectFrom('build_outputs')
    .innerJoin('builds', 'builds.id', 'build_outputs.build_id')
    .selectAll('build_outputs')
    .select('builds.repository')
    .where('build_outputs.id', '=', outputId)
    .executeTakeFirst()
  if (row === undefined || !canSee(principal, row.repository)) {
    throw new AppError('resource_not_found', `There is no build output ${outputId}`)
  }
  const { output_type: type, object_key: objectKey, file_name: fileName } = row
  const download = true
  if (type !== 'zip' || objectKey === null || fileName === null) {
    const message = `Build output ${outputId} is an image, which is pulled, not downloaded`
    throw new AppError('invalid_request', message, { download })
  }
  if (hasExpired(row)) {
    const at = (row.expires_at ?? row.cleaned_at)?.toISOString()
    throw new AppError('gone', `Build output ${outputId} was kept until ${at}`, { download })
  }
  const found = await deps.objects.head(objectKey)
  if (found === null) throw fileIsGone(outputId)
  const { checksum_sha256: sha256, created_at: createdAt } = row
  return {
    outputId,
    objectKey,
    fileName,
    sizeBytes: found.size,
    sha256: sha256 ?? '',
    createdAt,
  }
}

/** The error of a file that ought to be in the store. */
export function fileIsGone(outputId: number): AppError {
  const message = `The file of build output ${outputId} is not in the store`
  return new AppError('resource_not_found', message, { download: true })
}

/** Notes that somebody has a whole file now. */
export async function countDownload(
  { db }: Pick<BuildsDeps, 'db'>,
  input: { outputId: number },
): Promise<void> {
  await sql`
    update build_outputs set download_count = download_count + 1 where id = ${input.outputId}
  `.execute(db)
}
