import { createHash } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** Builds the dashboard, unless what is in dist/ was built from the same files. */
const here = import.meta.dirname
const stamp = join(here, 'dist', '.built')

async function fingerprint() {
  const hash = createHash('sha256')
  const roots = ['src', 'public', '../sdk/src', '../contract/src']
  const files = [
    'index.html',
    'vite.config.ts',
    'build.js',
    'package.json',
    '../../package-lock.json',
  ]
  for (const root of roots) {
    const entries = await readdir(join(here, root), { recursive: true, withFileTypes: true })
    files.push(
      ...entries
        .filter((entry) => entry.isFile() && !/\.test\.tsx?$/.test(entry.name))
        .map((entry) => relative(here, join(entry.parentPath, entry.name))),
    )
  }
  for (const file of files.sort()) {
    const { size, mtimeMs } = await stat(join(here, file))
    hash.update(`${file}\0${size}\0${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

const wanted = await fingerprint()
const found = await readFile(stamp, 'utf8').catch(() => '')
if (found !== wanted) {
  const { build } = await import('vite')
  await build({ configFile: join(here, 'vite.config.ts'), logLevel: 'warn' })
  await writeFile(stamp, wanted)
}
