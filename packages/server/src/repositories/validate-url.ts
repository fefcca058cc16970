import type { ValidateUrlRequest, ValidateUrlResponse } from '@slipway/contract/repositories'
import { requireUnlimited } from '../access/index.ts'
import type { Principal } from '../ports/identity.ts'
import { checkRepository, checkUrl } from './check-repository.ts'
import { contactRemote } from './contact-remote.ts'
import type { RepositoriesDeps } from './deps.ts'
import { credentialFor } from './locate-repository.ts'

/** Says what would become of a repository with this URL, and registers nothing. */
export async function validateUrl(
  deps: RepositoriesDeps,
  input: { principal: Principal; request: ValidateUrlRequest },
  signal: AbortSignal,
): Promise<Omit<ValidateUrlResponse, 'success'>> {
  const { repository_url: url, credential_id: credentialId = null } = input.request
  // Whoever says where a credential is sent could have it sent to themselves.
  if (credentialId !== null) requireUnlimited(input.principal, 'Credentials')
  const checked = checkUrl(deps, url)
  const answer = { is_valid: checked.ok, is_reachable: false, type: null, default_branch: null }
  if (!checked.ok) return { ...answer, message: `The URL ${checked.problem}` }
  // Nor does a token learn of repositories that only the server itself may read.
  if (checked.protocol === 'file' || credentialFor(deps, { url, credentialId }) !== null) {
    requireUnlimited(input.principal, 'Repositories that the server itself has access to')
  }
  await checkRepository(deps, { credential_id: credentialId })
  const contact = await contactRemote(deps, { url, credentialId, hostKeys: null }, signal)
  const type = checked.protocol
  if (!contact.ok) return { ...answer, type, message: contact.message }
  const { defaultBranch } = contact.remote
  return {
    ...answer,
    type,
    is_reachable: true,
    default_branch: defaultBranch,
    message: 'The repository can be read',
  }
}
