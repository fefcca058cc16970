import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DashboardFiles, readDashboardFiles } from '../http/web/dashboard-files.ts'

/** The dashboard as its package was built; null where it was not. */
export async function openDashboard(): Promise<DashboardFiles | null> {
  const manifest = fileURLToPath(import.meta.resolve('@slipway/web/package.json'))
  return await readDashboardFiles(join(dirname(manifest), 'dist'))
}

/** The manual as `npm run build` left it; null where it was not built. */
export async function openHelp(): Promise<DashboardFiles | null> {
  return await readDashboardFiles(fileURLToPath(new URL('../../dist/help', import.meta.url)))
}
