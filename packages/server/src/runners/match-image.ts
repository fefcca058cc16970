/**
 * Whether a name of an image is that of a class or one of its patterns. They are compared as the engine
 * understands them: `node` is `docker.io/library/node:latest`.
 */
export function isImageAllowed(
  rules: { image: string; images: readonly string[] },
  image: string,
): boolean {
  const asked = wholeName(image)
  if (asked === wholeName(rules.image)) return true
  return rules.images.some((pattern) =>
    pattern.endsWith('*')
      ? asked.startsWith(pattern === '*' ? '' : withRegistry(pattern.slice(0, -1)))
      : asked === wholeName(pattern),
  )
}

function wholeName(image: string): string {
  const name = withRegistry(image)
  const last = name.slice(name.lastIndexOf('/') + 1)
  return /[:@]/.test(last) ? name : `${name}:latest`
}

/** What stands before the first `/` is a registry only if it could be a host. */
function withRegistry(image: string): string {
  const at = image.indexOf('/')
  const first = image.slice(0, at)
  if (at > 0 && (/[.:]/.test(first) || first === 'localhost')) {
    const registry = first === 'index.docker.io' ? 'docker.io' : first
    const path = image.slice(at + 1)
    return registry === 'docker.io' && !path.includes('/')
      ? `docker.io/library/${path}`
      : `${registry}/${path}`
  }
  return at > 0 ? `docker.io/${image}` : `docker.io/library/${image}`
}
