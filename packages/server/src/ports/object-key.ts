const segment = /^[A-Za-z0-9._@+=-]{1,200}$/

/** Throws a TypeError unless `key` is one that every object store takes; see `ObjectStore`. */
export function checkObjectKey(key: string): void {
  if (!isObjectKey(key))
    throw new TypeError(`not an object key: ${JSON.stringify(key.slice(0, 200))}`)
}

/** Throws a TypeError unless `prefix` is a key followed by `/`. */
export function checkObjectPrefix(prefix: string): void {
  if (!prefix.endsWith('/') || !isObjectKey(prefix.slice(0, -1))) {
    throw new TypeError(`not a prefix of object keys: ${JSON.stringify(prefix.slice(0, 200))}`)
  }
}

/** Whether every object store takes it; see `ObjectStore`. */
export function isObjectKey(key: string): boolean {
  return (
    key.length <= 1024 &&
    key.split('/').every((part) => segment.test(part) && part !== '.' && part !== '..')
  )
}
