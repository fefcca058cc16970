import type { CredentialsDeps } from '../credentials/index.ts'

export interface RegistriesDeps extends CredentialsDeps {
  /** Hosts (`host[:port]`) beyond this machine that are spoken to without TLS. Source: OCI_PLAIN_HTTP. */
  plainHttp: readonly string[]
  /** Takes the place of Amazon ECR's own address. */
  ecrEndpoint?: string
}

/** What limited tokens may not touch, for messages. */
export const things = 'Registries'
