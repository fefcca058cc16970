/**
 * Whether two versions of the program understand each other: what comes before their second dot is the
 * same. A later patch, or a build between releases, changes nothing of what they say.
 */
export function isSameRelease(one: string, other: string): boolean {
  return releaseOf(one) === releaseOf(other)
}

/** Major and minor version: `1.2` of `1.2.3-rc.1`. */
export function releaseOf(version: string): string {
  return version.split('.', 2).join('.')
}
