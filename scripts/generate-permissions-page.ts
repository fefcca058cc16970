import { permissions } from '../packages/server/src/access/index.ts'
import { permissionsOfRole } from '../packages/server/src/access/permissions.ts'
import { type RouteGuard, routeGuards } from '../packages/server/src/http/route-permissions.ts'

/** Writes docs/permissions.md from the tables that the server itself goes by. */
export function generatePermissionsPage(): string {
  const roles = Object.entries(permissionsOfRole)
  const byRole = permissions.map((permission) =>
    row(`\`${permission}\``, ...roles.map(([, has]) => (has.has(permission) ? 'yes' : ''))),
  )
  const byRoute = Object.entries(routeGuards).map(([route, guard]) =>
    row(`\`${route.replaceAll(/:(\w+)/g, '{$1}')}\``, asks(guard)),
  )
  return `<!-- Written by npm run generate from the server's own tables; changes here are lost. -->

# Permissions

## What each role may do

${table(['Permission', ...roles.map(([role]) => role)], byRole)}

## What each route asks for

${table(['Route', 'Asks for'], byRoute)}
`
}

function asks(guard: RouteGuard): string {
  if (guard === 'public') return 'nothing'
  if (guard === 'sign-in') return 'nothing, and is counted by address'
  if (guard === 'authenticated') return 'any valid token'
  if (typeof guard === 'string') return `\`${guard}\``
  if ('signedBy' in guard) return 'the signature of another server of the database'
  return `\`${guard.permission}\`, ${wayOf(guard)}`
}

function wayOf(guard: Exclude<RouteGuard, string | { signedBy: 'server' }>): string {
  if ('challenge' in guard) return 'the token also as a password'
  return 'orAnonymous' in guard
    ? 'or nothing where `SLIPWAY_ANONYMOUS_STATUS` is true'
    : 'or a signed link'
}

function table(head: string[], rows: string[]): string {
  return [row(...head), row(...head.map(() => '---')), ...rows].join('\n')
}

function row(...cells: string[]): string {
  return `| ${cells.join(' | ')} |`
}
