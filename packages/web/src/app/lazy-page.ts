import { lazyRouteComponent } from '@tanstack/react-router'
import { loadPart } from '../api/load-part.ts'

/** A page that is loaded when somebody goes to it, or is about to; `BrokenPage` says where that fails. */
export function lazyPage<T extends Record<string, unknown>, Name extends keyof T>(
  load: () => Promise<T>,
  name: Name,
) {
  return lazyRouteComponent(() => loadPart(load), name)
}
