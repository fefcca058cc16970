/**
 * The names of one cycle in a graph, each needing the next and the last needing the first;
 * null when there is none. Names that are not keys of the graph are ignored.
 */
export function findCycle(needs: ReadonlyMap<string, readonly string[]>): string[] | null {
  const finished = new Set<string>()
  for (const start of needs.keys()) {
    const cycle = walk(needs, start, finished)
    if (cycle !== null) return cycle
  }
  return null
}

// An explicit path instead of recursion: a chain may be as long as a list of the user's.
function walk(
  needs: ReadonlyMap<string, readonly string[]>,
  start: string,
  finished: Set<string>,
): string[] | null {
  if (finished.has(start)) return null
  const path = [{ name: start, next: 0 }]
  const onPath = new Map([[start, 0]])
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const need = needs.get(top.name)?.[top.next]
    top.next += 1
    if (need === undefined) {
      finished.add(top.name)
      onPath.delete(top.name)
      path.pop()
      continue
    }
    const position = onPath.get(need)
    if (position !== undefined) return path.slice(position).map((entry) => entry.name)
    if (needs.has(need) && !finished.has(need)) {
      onPath.set(need, path.length)
      path.push({ name: need, next: 0 })
    }
  }
  return null
}
