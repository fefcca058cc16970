/** What is needed of a delivery to know what it is about. */
interface About {
  number: number
  /** owner/name, as it was called then. */
  repository: string
  /** By GitHub's id. */
  wanted: { repository: { id: number } }
}

/**
 * Deliveries by what they are about, each group in the order in which they came: one repository under all
 * its names, and all repositories that had one of these. What is in different groups has nothing in common.
 */
export function groupDeliveries<T extends About>(deliveries: readonly T[]): T[][] {
  /** By names and by ids. */
  const groups = new Map<string, T[]>()
  for (const delivery of deliveries) {
    const keys = [`${delivery.repository.toLowerCase()}`, `${delivery.wanted.repository.id}`]
    const [byName, byId] = keys.map((key) => groups.get(key))
    const group = byName ?? byId ?? []
    group.push(delivery)
    for (const key of keys) groups.set(key, group)
    if (byName === undefined || byId === undefined || byName === byId) continue
    group.push(...byId)
    for (const [key, other] of groups) if (other === byId) groups.set(key, group)
  }
  return [...new Set(groups.values())].map((group) => group.toSorted((a, b) => a.number - b.number))
}
