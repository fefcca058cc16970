import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { limitPreviews, type PreviewDeps } from '../branding/index.ts'
import { officialName } from '../builds/official-name.ts'
import type { Config } from '../config/read-config.ts'
import type { ConfigurationsDeps } from '../configurations/index.ts'
import { limitConcurrency } from '../events/index.ts'
import { officialBranch } from './open-builds.ts'

/** Previews at once on this server, and milliseconds that one may take. */
const previews = { atOnce: 2, timeoutMs: 180_000 }

/** Branding templates and configurations: what the API does with them. */
export async function openBranding(
  config: Config,
  opened: Pick<PreviewDeps, 'db' | 'objects' | 'repositories' | 'mirrors'>,
): Promise<{ branding: PreviewDeps; configurations: ConfigurationsDeps }> {
  const { officialRepositoryUrl: url } = config.builds
  const workDirectory = join(config.dataDir, 'previews')
  // What a dead predecessor left.
  await rm(workDirectory, { recursive: true, force: true })
  const branding: PreviewDeps = {
    ...opened,
    oneByOne: limitConcurrency(1),
    official: { name: officialName(url), url, branch: officialBranch },
    workDirectory,
    takePreviewTurn: limitPreviews(previews.atOnce),
    previewTimeoutMs: previews.timeoutMs,
  }
  return { branding, configurations: { db: opened.db } }
}
