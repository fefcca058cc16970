import type {
  CreateCredentialRequest,
  Credential,
  ListCredentialsResponse,
  ListCredentialTypesResponse,
  UpdateCredentialRequest,
  VerificationResponse,
} from '@slipway/contract/credentials'
import type { ListRepositoriesQuery } from '@slipway/contract/repositories'
import type { CallOptions, Transport } from './transport.ts'

/** Logins of Git remotes and registries. No answer holds what they are. */
export interface CredentialsApi {
  list(query?: ListRepositoriesQuery, options?: CallOptions): Promise<ListCredentialsResponse>
  types(options?: CallOptions): Promise<ListCredentialTypesResponse['credential_types']>
  get(id: number, options?: CallOptions): Promise<Credential>
  create(request: CreateCredentialRequest, options?: CallOptions): Promise<Credential>
  update(id: number, request: UpdateCredentialRequest, options?: CallOptions): Promise<Credential>
  delete(id: number, options?: CallOptions): Promise<void>
  /** Tries it, against `url` if given. A failure is an answer. */
  verify(id: number, url?: string, options?: CallOptions): Promise<VerificationResponse>
}

export function credentialsApi(transport: Transport): CredentialsApi {
  const root = 'api/credentials'
  const one = async (input: Parameters<Transport['json']>[0]) =>
    ((await transport.json(input)) as { credential: Credential }).credential
  return {
    list: async (query = {}, { signal } = {}) =>
      (await transport.json({
        path: root,
        query: { ...query },
        signal,
      })) as ListCredentialsResponse,
    async types({ signal } = {}) {
      const answer = await transport.json({ path: `${root}/types`, signal })
      return (answer as ListCredentialTypesResponse).credential_types
    },
    get: (id, { signal } = {}) => one({ path: `${root}/${id}`, signal }),
    create: (request, { signal } = {}) =>
      one({ method: 'POST', path: root, body: request, signal }),
    update: (id, request, { signal } = {}) =>
      one({ method: 'PUT', path: `${root}/${id}`, body: request, signal }),
    async delete(id, { signal } = {}) {
      await transport.json({ method: 'DELETE', path: `${root}/${id}`, signal })
    },
    async verify(id, url, { signal } = {}) {
      const body = url === undefined ? {} : { url }
      const input = { method: 'POST', path: `${root}/${id}/verify`, body, signal } as const
      return (await transport.json(input)) as VerificationResponse
    },
  }
}
