import type { Principal } from '../../ports/identity.ts'

/** Clients that may see the same repositories: what they get is decided, and written, once for all. */
export interface View<Client> {
  sees(repository: string): boolean
  readonly clients: Set<Client>
  /** The last summary that its clients were sent, or that was found when there was nothing to send. */
  summary: string | null
}

export interface Views<Client> {
  /** Views that somebody has. */
  all(): Iterable<View<Client>>
  /** Whether the client was not there yet. */
  add(client: Client, principal: Principal): boolean
  remove(client: Client): void
}

export function createViews<Client>(): Views<Client> {
  const views = new Map<string, View<Client>>()
  const keys = new Map<Client, string>()
  return {
    all: () => views.values(),
    add(client, principal) {
      if (keys.has(client)) return false
      const key = keyOf(principal)
      const view = views.get(key) ?? createView<Client>(principal)
      view.clients.add(client)
      views.set(key, view)
      keys.set(client, key)
      return true
    },
    remove(client) {
      const key = keys.get(client)
      if (key === undefined) return
      keys.delete(client)
      const view = views.get(key)
      view?.clients.delete(client)
      if (view?.clients.size === 0) views.delete(key)
    },
  }
}

function createView<Client>({ repositories }: Principal): View<Client> {
  // GitHub takes names in any case of letters.
  const names =
    repositories === null ? null : new Set(repositories.map((name) => name.toLowerCase()))
  return {
    sees: (repository) => names === null || names.has(repository.toLowerCase()),
    clients: new Set(),
    summary: null,
  }
}

function keyOf({ repositories }: Principal): string {
  if (repositories === null) return 'all'
  return JSON.stringify(repositories.map((name) => name.toLowerCase()).toSorted())
}
