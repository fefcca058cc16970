import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { repositoryRoot } from './markdown.ts'

/** Every metric of ours that docs/metrics.md lists, with the names of its labels. */
export async function readDocumentedMetrics(): Promise<Map<string, string[]>> {
  const page = await readFile(join(repositoryRoot, 'docs/metrics.md'), 'utf8')
  const metrics = new Map<string, string[]>()
  for (const [cell = ''] of page.matchAll(/^\| [^|]*\|/gm)) {
    for (const [, name = '', labels = ''] of cell.matchAll(
      /`((?:slipway|github_runnerhub)_\w+)(?:\{([\w,]+)\})?`/g,
    )) {
      if (metrics.has(name)) throw new Error(`${name} is listed twice`)
      metrics.set(name, labels === '' ? [] : labels.split(','))
    }
  }
  return metrics
}
