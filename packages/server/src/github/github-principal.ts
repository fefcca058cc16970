import type { Principal } from '../ports/identity.ts'

/** In whose name deliveries start runs; whom GitHub says it was is believed, as a service account's word is. */
export const githubPrincipal: Principal = {
  id: 'github webhook',
  name: 'GitHub webhook',
  roles: ['service-account'],
  repositories: null,
}
