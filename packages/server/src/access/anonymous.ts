import type { Principal } from '../ports/identity.ts'

/**
 * Whoever did not say who they are, where that is allowed. Everything that is watched is shown to them;
 * nothing is fetched for them, so that they reach no further than that.
 */
export const anonymous: Principal = {
  id: 'anonymous',
  name: 'anonymous',
  roles: [],
  repositories: null,
}

export function isAnonymous(principal: Principal): boolean {
  return principal === anonymous
}
