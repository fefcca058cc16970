/** Names that Windows keeps for devices, with or without an extension. */
const deviceName = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i

/**
 * Why a path cannot be one in a repository; null when it can. What it accepts is relative, has forward
 * slashes, never goes up, is none of git's own files and a name on every system.
 */
export function targetPathProblem(path: string): string | null {
  if (path === '') return 'is empty'
  if (path.startsWith('/')) return 'must be relative'
  if (/^[A-Za-z]:/.test(path)) return 'must not begin with a drive'
  if (path.includes('\\')) return 'must have forward slashes'
  if (/\p{Cc}/u.test(path)) return 'must not hold control characters'
  if (/[:<>"|?*]/.test(path)) return 'must not hold any of : < > " | ? *'
  if (Buffer.byteLength(path) > 1_000) return 'is too long'
  for (const part of path.split('/')) {
    if (part === '') return 'has an empty part'
    if (part === '.' || part === '..') return `must not hold the part ${part}`
    if (isGits(part)) return `must not hold the part ${part}, which is git's own`
    if (part.endsWith('.') || part.endsWith(' ')) return 'has a part that ends with a dot or blank'
    if (deviceName.test(part)) return `must not hold the part ${part}, which names a device`
    if (Buffer.byteLength(part) > 255) return 'has a part that is too long'
  }
  return null
}

/** As git itself judges it: also by its short name on Windows, and with characters that macOS ignores. */
function isGits(part: string): boolean {
  const plain = part.replaceAll(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '')
  return /^(\.git|git~1)[. ]*$/i.test(plain)
}
