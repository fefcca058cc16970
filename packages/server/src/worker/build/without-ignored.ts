import { parseDockerIgnore } from './docker-ignore.ts'
import { createGiveWay } from './give-way.ts'
import type { TreeEntry } from './zip/list-tree.ts'

/**
 * Entries of a tree without those that its list of ignored files (`text`) names, but with those that are
 * needed in any case. An AppError `invalid_request` where the list cannot be used.
 */
export async function withoutIgnored(
  entries: readonly TreeEntry[],
  { text, isNeeded }: { text: string; isNeeded: (path: string) => boolean },
  signal: AbortSignal,
): Promise<TreeEntry[]> {
  const isIgnored = parseDockerIgnore(text, createGiveWay(signal))
  const kept: TreeEntry[] = []
  for (const entry of entries) {
    const path = entry.name.toString().replace(/\/$/, '')
    if (isNeeded(path) || !(await isIgnored(path))) kept.push(entry)
  }
  return kept
}
