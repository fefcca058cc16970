import { pendingOf, type Migration } from '../../db/migrate.ts'
import { StartupError } from '../../errors.ts'
import { readArchive } from '../archive/read-archive.ts'
import { type Manifest, manifestName, newestFormat } from '../archive/manifest.ts'

/**
 * Reads a backup to its end and changes nothing. Throws StartupError where it is damaged, or newer than this
 * program, whose migrations are `known`.
 */
export async function readManifest(
  path: string,
  known: readonly Migration[],
  signal: AbortSignal,
): Promise<Manifest> {
  let manifest: Manifest | null = null
  for await (const { name, content } of readArchive(path, signal)) {
    if (manifest !== null) continue
    if (name !== manifestName) throw new StartupError(`${path} is no backup of Slipway`)
    manifest = JSON.parse(content.toString('utf8')) as Manifest
    refuseNewer(path, manifest, known)
  }
  if (manifest === null) throw new StartupError(`${path} is no backup of Slipway`)
  return manifest
}

function refuseNewer(path: string, manifest: Manifest, known: readonly Migration[]): void {
  const { format, version, migrations } = manifest
  const newer = `${path} was made by a newer program (${version}). Restore it with that one`
  if (!(format <= newestFormat)) throw new StartupError(newer)
  const names = new Set(known.map(({ name }) => name))
  if (migrations.some(({ name }) => !names.has(name))) throw new StartupError(newer)
  // What is left is to be migrated; an applied one that is another here is refused.
  pendingOf(known, new Map(migrations.map(({ name, checksum }) => [name, checksum])))
}
