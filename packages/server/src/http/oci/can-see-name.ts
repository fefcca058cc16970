import { ociName } from '../../oci/index.ts'
import type { Principal } from '../../ports/identity.ts'

/** Whether an OCI repository is one of a repository that the principal may see, or below one. */
export function canSeeName(principal: Principal, name: string): boolean {
  if (principal.repositories === null) return true
  return principal.repositories.some((repository) => {
    const own = ociName(repository)
    return name === own || name.startsWith(`${own}/`)
  })
}
