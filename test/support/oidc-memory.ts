import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'

/** What a provider remembers, for as long as the test lasts; shared by all providers of one issuer. */
export interface ProviderMemory {
  readonly adapter: AdapterFactory
  /** Forgets everything of a kind, e.g. `RefreshToken`. */
  forget(kind: string): void
}

export function createProviderMemory(): ProviderMemory {
  const kinds = new Map<string, Map<string, AdapterPayload>>()
  const of = (kind: string) => {
    const found = kinds.get(kind) ?? new Map<string, AdapterPayload>()
    kinds.set(kind, found)
    return found
  }

  function open(kind: string): Adapter {
    const findBy = async (test: (payload: AdapterPayload) => boolean) =>
      [...of(kind).values()].find(test)
    return {
      upsert: async (id, payload) => void of(kind).set(id, payload),
      find: async (id) => of(kind).get(id),
      findByUid: (uid) => findBy((payload) => payload.uid === uid),
      findByUserCode: (userCode) => findBy((payload) => payload.userCode === userCode),
      async consume(id) {
        const payload = of(kind).get(id)
        if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000)
      },
      destroy: async (id) => void of(kind).delete(id),
      async revokeByGrantId(grantId) {
        for (const [id, payload] of of(kind)) {
          if (payload.grantId === grantId) of(kind).delete(id)
        }
      },
    }
  }
  return { adapter: open, forget: (kind) => of(kind).clear() }
}
