import { AppError } from '../../errors.ts'

/** Docker's own, of which a Dockerfile may name any version. */
const dockersOwn = /^(?:docker\.io\/)?docker\/dockerfile(?:-upstream)?(?:[:@]|$)/
/** The argument by which BuildKit takes another frontend than the one that the Dockerfile names. */
const frontendArgument = 'BUILDKIT_SYNTAX'

/**
 * Refuses (`invalid_request`) another frontend than Docker's own. That is a program which BuildKit fetches
 * and has do the build, and it gives the commands of a build whatever network it likes.
 */
export function requireDockersFrontend(
  dockerfile: string,
  args: Readonly<Record<string, string>>,
): void {
  const named = [...frontendsOf(dockerfile), args[frontendArgument] ?? '']
  const foreign = named.find((name) => name !== '' && !dockersOwn.test(name))
  if (foreign === undefined) return
  throw new AppError(
    'invalid_request',
    `The image cannot be built by ${foreign.slice(0, 200)}: builds have no network here, and only docker/dockerfile keeps to that`,
  )
}

/** All that BuildKit of any version may take for the name of a frontend. */
function frontendsOf(dockerfile: string): string[] {
  const text = dockerfile.replace(/^\uFEFF/, '')
  if (/^\s*\{/.test(text)) return ['what is named in JSON']
  const names: string[] = []
  for (const line of text.split(/\r\n|\n|\r/)) {
    const comment = /^\s*(?:#|\/\/)(.*)$/.exec(line)?.[1]
    if (comment === undefined && line.trim() !== '') break
    const name = /^\s*syntax\s*=\s*(\S+)/i.exec(comment ?? '')?.[1]
    if (name !== undefined) names.push(name)
  }
  return names
}
