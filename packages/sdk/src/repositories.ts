import type { VerificationResponse } from '@slipway/contract/credentials'
import type {
  CreateRepositoryRequest,
  ListBranchesResponse,
  ListRepositoriesQuery,
  ListRepositoriesResponse,
  Repository,
  UpdateRepositoryRequest,
  ValidateUrlRequest,
  ValidateUrlResponse,
  VerifyRepositoryRequest,
} from '@slipway/contract/repositories'
import type { CallOptions, Transport } from './transport.ts'

/** Where repositories are, and how to get in. */
export interface RepositoriesApi {
  list(query?: ListRepositoriesQuery, options?: CallOptions): Promise<ListRepositoriesResponse>
  get(id: number, options?: CallOptions): Promise<Repository>
  /** Registers it and contacts it: look at `is_verified`. */
  create(request: CreateRepositoryRequest, options?: CallOptions): Promise<Repository>
  update(id: number, request: UpdateRepositoryRequest, options?: CallOptions): Promise<Repository>
  delete(id: number, options?: CallOptions): Promise<void>
  /** Contacts it. A failure is an answer. */
  verify(
    id: number,
    request?: VerifyRepositoryRequest,
    options?: CallOptions,
  ): Promise<VerificationResponse>
  validateUrl(request: ValidateUrlRequest, options?: CallOptions): Promise<ValidateUrlResponse>
  branches(id: number, options?: CallOptions): Promise<ListBranchesResponse['branches']>
}

export function repositoriesApi(transport: Transport): RepositoriesApi {
  const root = 'api/repositories'
  const one = async (input: Parameters<Transport['json']>[0]) =>
    ((await transport.json(input)) as { repository: Repository }).repository
  const post = (path: string, body: unknown, { signal }: CallOptions = {}) =>
    transport.json({ method: 'POST', path: `${root}/${path}`, body, signal })
  return {
    list: async (query = {}, { signal } = {}) =>
      (await transport.json({
        path: root,
        query: { ...query },
        signal,
      })) as ListRepositoriesResponse,
    get: (id, { signal } = {}) => one({ path: `${root}/${id}`, signal }),
    create: (request, { signal } = {}) =>
      one({ method: 'POST', path: root, body: request, signal }),
    update: (id, request, { signal } = {}) =>
      one({ method: 'PUT', path: `${root}/${id}`, body: request, signal }),
    async delete(id, { signal } = {}) {
      await transport.json({ method: 'DELETE', path: `${root}/${id}`, signal })
    },
    verify: async (id, request = {}, options) =>
      (await post(`${id}/verify`, request, options)) as VerificationResponse,
    validateUrl: async (request, options) =>
      (await post('validate-url', request, options)) as ValidateUrlResponse,
    async branches(id, { signal } = {}) {
      const answer = await transport.json({ path: `${root}/${id}/branches`, signal })
      return (answer as ListBranchesResponse).branches
    },
  }
}
