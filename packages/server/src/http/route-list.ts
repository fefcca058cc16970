import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify'
import type { RouteGuard } from './route-permissions.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** From the table of route permissions. */
    guard?: RouteGuard
  }
}

export interface KnownRoute {
  method: string
  /** Fastify's pattern, e.g. /v1/tokens/:id. */
  url: string
  guard: RouteGuard
  schema: FastifySchema | undefined
}

export interface RouteList {
  readonly routes: readonly KnownRoute[]
  /** Methods that a path answers to; empty when there is no such path. */
  methodsAt(path: string): string[]
}

/** What a route is given when it is added, according to its guard. */
type Equip = (route: RouteOptions, known: KnownRoute) => void

/**
 * Looks up every route of the application in the table as it is added, and equips it. A route that
 * the table does not know stops the start, as does an entry that no route has taken.
 */
export function listRoutes(
  app: FastifyInstance,
  table: Readonly<Record<string, RouteGuard>>,
  equip: Equip,
): RouteList {
  const routes: KnownRoute[] = []
  const missing = new Set(Object.keys(table))

  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) {
      // Fastify answers HEAD with what GET would.
      const entry = `${method === 'HEAD' ? 'GET' : method} ${route.url}`
      const guard = Object.hasOwn(table, entry) ? table[entry] : undefined
      if (guard === undefined) throw new Error(`The table of route permissions lacks ${entry}`)
      missing.delete(entry)
      const known = { method, url: route.url, guard, schema: route.schema }
      routes.push(known)
      route.config = { ...route.config, guard }
      equip(route, known)
    }
  })
  app.addHook('onReady', async () => {
    if (missing.size === 0) return
    throw new Error(
      `The table of route permissions names what is no route: ${[...missing].join(', ')}`,
    )
  })

  return {
    routes,
    methodsAt: (path) => [
      ...new Set(routes.filter(({ url }) => matches(url, path)).map(({ method }) => method)),
    ],
  }
}

function matches(pattern: string, path: string): boolean {
  const parts = pattern.split('/')
  const given = path.split('/')
  return (
    parts.length === given.length &&
    parts.every((part, index) =>
      part.startsWith(':') ? given[index] !== '' : part === given[index],
    )
  )
}
