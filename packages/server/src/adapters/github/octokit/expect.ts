/** An answer that says something else than it must: nothing can be concluded from it. */
export class NonsenseAnswer extends Error {
  override readonly name = 'NonsenseAnswer'
}

/** The id of what is answered. What is typed as GitHub describes it may be anything in truth. */
export function expectId(data: { id: number | bigint }): number {
  const { id } = expectObject(data)
  if (typeof id === 'number' && Number.isSafeInteger(id)) return id
  throw new NonsenseAnswer('an answer without an id')
}

export function expectCount(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new NonsenseAnswer('an answer without a count')
}

export function expectText(value: unknown, pattern?: RegExp): string {
  if (typeof value === 'string' && (pattern === undefined || pattern.test(value))) return value
  throw new NonsenseAnswer('an answer without what was asked for')
}

export function expectList<T>(data: readonly T[]): readonly T[] {
  const isList: boolean = Array.isArray(data)
  if (isList) return data
  throw new NonsenseAnswer('an answer that is no list')
}

function expectObject<T extends object>(data: T): T {
  if (typeof data === 'object' && (data as T | null) !== null) return data
  throw new NonsenseAnswer('an answer that is no object')
}
