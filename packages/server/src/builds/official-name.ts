/** `owner/name` of a repository by the end of its URL; of a shorter path, what there is. */
export function officialName(url: string): string {
  const path = url.includes('://') ? new URL(url).pathname : url.slice(url.indexOf(':') + 1)
  const parts = path
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .split('/')
    .filter((part) => part !== '')
  return parts.slice(-2).map(decode).join('/')
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
