import type { Principal } from '../ports/identity.ts'

/**
 * Whom approvals are counted by: at an issuer, its subject, whatever token or session they come with; all
 * tokens that the jobs of one repository got by exchange; else the token.
 */
export function personOf({ id, person }: Principal): string {
  return person ?? id
}
