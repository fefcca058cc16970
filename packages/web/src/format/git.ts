/** The first seven digits of a commit. */
export function shortCommit(sha: string): string {
  return sha.slice(0, 7)
}

/** A branch, or the tag of `refs/tags/x`. */
export function refName(ref: string): string {
  return ref.replace(/^refs\/(heads|tags)\//, '')
}
