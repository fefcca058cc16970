import { createPublicKey } from 'node:crypto'
import type {
  PublisherLoginRequest,
  PublisherLoginResponse,
  SignDigestResponse,
} from '@slipway/contract/worker-artifacts'
import type { JobClaim } from '../jobs/index.ts'
import type { ManifestSigner } from '../signing/index.ts'
import type { WorkerClient } from './http/open-worker-client.ts'
import { attemptPath } from './paths.ts'

type Login = PublisherLoginResponse['login']

/** Opens what the publishers of the artifact whose job the worker holds come with. */
export function openPublisherLogins(client: WorkerClient, claim: JobClaim) {
  return async <Kind extends Login['kind']>(
    use: Extract<PublisherLoginRequest['use'], { kind: Kind }>,
    input: { credential: string; askedBy: string | null },
  ): Promise<Extract<Login, { kind: Kind }>> => {
    const by = input.askedBy === null ? 'server' : 'commit'
    const body: PublisherLoginRequest = { credential: input.credential, by, use }
    const path = `${attemptPath(claim)}/publisher-login`
    const { login } = await client.ask<PublisherLoginResponse>('POST', path, {
      body,
      repeat: 'always',
    })
    return login as Extract<Login, { kind: Kind }>
  }
}

/** Signs by the server's key, which stays there. `publicKey` is PEM. */
export function createRemoteSigner(
  client: WorkerClient,
  input: { claim: JobClaim; publicKey: string },
): ManifestSigner {
  return {
    publicKey: createPublicKey(input.publicKey),
    async sign({ reference, digest }) {
      const path = `${attemptPath(input.claim)}/signature`
      const options = { body: { reference, digest }, repeat: 'always' } as const
      return (await client.ask<SignDigestResponse>('POST', path, options)).signature
    },
  }
}
