/**
 * `owner/name` of a remote's URL: `https://host/owner/name.git`, `git@host:owner/name`,
 * `ssh://git@host:22/owner/name`, a path. Null where its last two parts make no such name.
 */
export function parseRemote(url: string): string | null {
  const scp = /^[^/:@]+@[^/:]+:(?!\/\/)(.+)$/.exec(url)
  const path = scp?.[1] ?? (URL.canParse(url) ? new URL(url).pathname : url)
  const parts = path
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .split('/')
    .filter(Boolean)
  const [owner, name] = parts.slice(-2)
  if (owner === undefined || name === undefined) return null
  const repository = `${owner}/${name}`
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,98}\/[A-Za-z0-9._-]{1,100}$/.test(repository)
    ? repository
    : null
}
