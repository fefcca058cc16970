// npm run docs: the manual as a site, in dist/docs. `--out DIR`: elsewhere. `--serve`: shows it, built anew when a page
// has changed. `--quick`: not again where nothing has changed; what is wrong with links is said, and no failure.
import { createHash } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildSite } from './build-site.ts'
import { serveSite } from './serve-site.ts'

const root = join(import.meta.dirname, '../..')
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'dist/docs') },
    serve: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    port: { type: 'string', default: '4000' },
  },
})
const out = resolve(values.out)
const stamp = join(out, '.built')

/** Of all that the site is made of, as far as it can be told without reading it. */
async function fingerprint(): Promise<string> {
  const hash = createHash('sha256')
  for (const folder of ['docs', 'scripts/docs', 'examples', 'deploy', 'packages/web/public']) {
    const entries = await readdir(join(root, folder), {
      recursive: true,
      withFileTypes: true,
    }).catch(() => [])
    const files = entries.filter((entry) => entry.isFile())
    for (const file of files.map((entry) => join(entry.parentPath, entry.name)).toSorted()) {
      const { size, mtimeMs } = await stat(file)
      hash.update(`${file}\0${size}\0${mtimeMs}\n`)
    }
  }
  for (const name of ['packages/web/src/ui/base.css', 'README.md', 'ARCHITECTURE.md']) {
    const found = await stat(join(root, name)).catch(() => null)
    hash.update(`${name}\0${found?.size}\0${found?.mtimeMs}\n`)
  }
  return hash.digest('hex')
}

async function build(): Promise<string[]> {
  const wanted = await fingerprint()
  const found = await readFile(stamp, 'utf8').catch(() => '')
  if (found === wanted && (values.quick || values.serve)) return []
  const { pages, problems } = await buildSite({ root, out })
  await writeFile(stamp, wanted)
  if (!values.quick) console.log(`${pages} pages in ${out}`)
  return problems
}

const problems = await build()
for (const problem of problems) console.error(problem)
if (problems.length > 0 && !values.quick && !values.serve) process.exitCode = 1
if (values.serve) {
  const url = await serveSite({ out, port: Number(values.port), refresh: build })
  console.log(`Shown at ${url}; Ctrl-C ends it`)
}
