import { posix } from 'node:path'

/** Where a file of the repository is in the site: pages of docs/ at the top, all else below `files/`. */
export function outputPath(path: string): string {
  const inDocs = /^docs\/(.+\.md)$/.exec(path)?.[1]
  if (inDocs !== undefined)
    return inDocs.replace(/(^|\/)README\.md$/, '$1index.md').replace(/\.md$/, '.html')
  if (/\.(?:png|svg|jpg|webp|gif)$/.test(path)) {
    return path.startsWith('docs/') ? path.slice('docs/'.length) : `files/${path}`
  }
  return `files/${path.replace(/\/$/, '')}.html`
}

/** The address of one page of the site on another one. */
export function relativeUrl(from: string, to: string): string {
  return posix.relative(posix.dirname(from), to) || posix.basename(to)
}
