import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '../packages/server/src/db/embedded/start-embedded-postgres.ts'
import { migrate } from '../packages/server/src/db/migrate.ts'
import { openDatabase } from '../packages/server/src/db/open-database.ts'
import { generateCliPage } from './generate-cli-page.ts'
import { generatePermissionsPage } from './generate-permissions-page.ts'
import { generateReference } from './generate-reference.ts'
import { generateSettingsPage } from './generate-settings-page.ts'
import { generateTableTypes } from './generate-table-types.ts'

const reference = Object.entries(await generateReference())

/** Every generated file, by its path in the repository, and what makes it. */
const generators: Record<string, () => string | Promise<string>> = {
  ...Object.fromEntries(reference.map(([path, text]) => [path, () => text])),
  'docs/cli-reference.md': generateCliPage,
  'docs/permissions.md': generatePermissionsPage,
  'docs/settings.md': generateSettingsPage,
  'packages/server/src/db/tables.gen.ts': () => withMigratedDatabase(generateTableTypes),
}

const check = process.argv.includes('--check')
const drifted: string[] = []
for (const [path, generate] of Object.entries(generators)) {
  const file = new URL(`../${path}`, import.meta.url)
  const wanted = await generate()
  if ((await readFile(file, 'utf8').catch(() => null)) === wanted) continue
  drifted.push(path)
  if (check) continue
  await mkdir(new URL('.', file), { recursive: true })
  await writeFile(file, wanted)
}
for (const path of drifted) {
  console.log(check ? `${path} has drifted: run npm run generate` : `Wrote ${path}`)
}
if (check && drifted.length > 0) process.exitCode = 1

async function withMigratedDatabase(use: (url: string) => Promise<string>): Promise<string> {
  const log = { info() {}, warn() {}, error: console.error }
  const dataDir = await mkdtemp(join(tmpdir(), 'slipway-generate-'))
  try {
    const server = await startEmbeddedPostgres({ dataDir, log })
    try {
      const database = await openDatabase({ url: server.url, log })
      try {
        await migrate({ pool: database.pool, log })
      } finally {
        await database.close()
      }
      return await use(server.url)
    } finally {
      await server.stop()
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}
