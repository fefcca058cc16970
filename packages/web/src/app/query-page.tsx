import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { isStatus } from '../api/client.ts'
import { Page } from '../ui/page.tsx'
import { QueryView } from '../ui/query-view.tsx'
import { MissingPage } from './error-pages.tsx'

/** A page about one thing: with a heading of its own while that is loaded, fails, or is not there. */
export function QueryPage<T>({
  title,
  query,
  children,
}: {
  /** Until the thing itself says what it is called. */
  title: string
  query: UseQueryResult<T>
  children: (data: T) => ReactNode
}) {
  if (isStatus(query.error, 404)) return <MissingPage />
  const view = <QueryView query={query}>{children}</QueryView>
  return query.data === undefined ? <Page title={title}>{view}</Page> : view
}
