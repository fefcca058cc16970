import type { CredentialsDeps } from '../credentials/index.ts'

export interface RepositoriesDeps extends CredentialsDeps {
  /** For what git needs to get in; hidden from steps. */
  accessDirectory: string
  /** Whether repositories of this machine may be used. Source: SLIPWAY_ALLOW_FILE_REPOSITORIES. */
  allowFileRepositories: boolean
  /** Where a repository is that nobody has registered. Source: GIT_BASE_URL. */
  gitBaseUrl: string
  /** Name of the credential for those, and for others at the same place. Source: GIT_CREDENTIAL. */
  defaultCredential: string | null
}
