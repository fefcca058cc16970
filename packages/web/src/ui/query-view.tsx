import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { isStatus, messageOf } from '../api/client.ts'
import { Button } from './button.tsx'
import { Empty, Notice } from './notice.tsx'
import { Skeleton } from './skeleton.tsx'

/** Shows an answer; while there is none, its outline; an old one with what went wrong above it. */
export function QueryView<T>({
  query,
  children,
  lines = 4,
  missing,
}: {
  query: UseQueryResult<T>
  children: (data: T) => ReactNode
  /** Of the outline. */
  lines?: number
  /** What stands there where the answer is that there is no such thing. */
  missing?: ReactNode
}) {
  if (missing !== undefined && isStatus(query.error, 404)) return missing
  if (isStatus(query.error, 403)) {
    return (
      <Empty title="This is not shown to you.">
        <p>{messageOf(query.error)}</p>
      </Empty>
    )
  }
  const failure = query.isError && (
    <Notice tone="bad" title="This could not be loaded">
      <p>{messageOf(query.error)}</p>
      <Button size="small" onClick={() => void query.refetch()}>
        Try again
      </Button>
    </Notice>
  )
  if (query.data === undefined) return failure || <Skeleton lines={lines} />
  return (
    <>
      {failure}
      {children(query.data)}
    </>
  )
}
