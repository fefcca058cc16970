/**
 * Why `name` can't be a branch, or a tag given as `refs/tags/x`; null when it can.
 * The rules are those of git-check-ref-format(1).
 */
export function refNameProblem(name: string): string | null {
  if (name === '@') return 'must not be "@"'
  if (name.startsWith('-')) return 'must not begin with "-"'
  if (name.startsWith('/') || name.endsWith('/') || name.includes('//')) return 'has an empty part'
  if (name.endsWith('.')) return 'must not end with "."'
  if (name.includes('..')) return 'must not contain ".."'
  if (name.includes('@{')) return 'must not contain "@{"'
  if (hasForbiddenCharacter(name)) return 'has a character that git does not allow in a name'
  for (const part of name.split('/')) {
    if (part.startsWith('.')) return 'has a part that begins with "."'
    if (part.endsWith('.lock')) return 'has a part that ends with ".lock"'
  }
  return null
}

function hasForbiddenCharacter(name: string): boolean {
  for (const character of name) {
    const code = character.codePointAt(0) ?? 0
    if (code <= 0x20 || code === 0x7f || '~^:?*[\\'.includes(character)) return true
  }
  return false
}
