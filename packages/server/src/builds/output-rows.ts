import type { BuildOutput } from '@slipway/contract/builds'
import type { Selectable } from 'kysely'
import type { BuildOutputsTable } from '../db/tables.gen.ts'

export type OutputRow = Selectable<BuildOutputsTable>

const dayMs = 86_400_000

/** Milliseconds that an output is kept; null: for ever (Enhanced Pipeline API, "Output Retention"). */
export const outputKeptMs = {
  zip: 7 * dayMs,
  localImage: dayMs,
  pushedImage: null,
} as const

/** Whether an output is no longer to be had. */
export function hasExpired(
  row: Pick<OutputRow, 'expires_at' | 'cleaned_at'>,
  now = new Date(),
): boolean {
  return row.cleaned_at !== null || (row.expires_at !== null && row.expires_at <= now)
}

export function toOutput(row: OutputRow): BuildOutput {
  const common = {
    id: row.id,
    output_type: row.output_type,
    download_count: row.download_count,
    expires_at: row.expires_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
  }
  if (row.output_type === 'zip') {
    const url = hasExpired(row) ? {} : { download_url: `/api/pipelines/outputs/${row.id}/download` }
    return {
      ...common,
      file_path: row.object_key ?? '',
      file_size_bytes: row.file_size_bytes ?? 0,
      checksum_sha256: row.checksum_sha256 ?? '',
      ...url,
    }
  }
  return {
    ...common,
    image_url: row.image_url ?? '',
    image_digest: row.image_digest,
    image_size_bytes: row.image_size_bytes ?? 0,
  }
}
