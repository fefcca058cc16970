import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import type { AuditEntry } from '@slipway/contract/access'
import { api, messageOf } from '../../api/client.ts'
import { useMay } from '../../session/session.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Empty, Notice } from '../../ui/notice.tsx'
import { Page } from '../../ui/page.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import { Status } from '../../ui/status.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { TimeAgo } from '../../ui/time.tsx'
import { EventFeed } from './event-feed.tsx'

const route = getRouteApi('/inside/activity')
const pageSize = 50

const columns: readonly Column<AuditEntry>[] = [
  { title: 'Who', cell: (entry) => <strong dir="auto">{entry.actor}</strong>, short: true },
  { title: 'What', cell: (entry) => <code>{entry.action}</code> },
  { title: 'On what', cell: (entry) => <span dir="auto">{entry.resource}</span> },
  {
    title: 'Outcome',
    cell: (entry) => (
      <Status value={entry.outcome < 400 ? 'success' : 'failed'} label={String(entry.outcome)} />
    ),
  },
  { title: 'From', cell: (entry) => <code>{entry.address}</code>, short: true },
  { title: 'When', cell: (entry) => <TimeAgo at={entry.at} />, align: 'end' },
]

/** What happens now, and who changed what. */
export function ActivityPage() {
  const may = useMay()
  return (
    <Page title="Activity">
      <EventFeed />
      {may('audit:read') && <Audit />}
    </Page>
  )
}

function Audit() {
  const { search } = route.useSearch()
  const navigate = useNavigate()
  const audit = useInfiniteQuery({
    queryKey: ['activity', 'audit', search],
    queryFn: ({ pageParam, signal }) =>
      api.audit.list(
        {
          limit: pageSize,
          ...(search === undefined ? {} : { search }),
          ...(pageParam === null ? {} : { before: pageParam }),
        },
        { signal },
      ),
    initialPageParam: null as number | null,
    getNextPageParam: ({ entries }) =>
      entries.length < pageSize ? null : (entries.at(-1)?.id ?? null),
    maxPages: 4,
    getPreviousPageParam: () => null,
  })
  const entries = audit.data?.pages.flatMap((page) => page.entries) ?? []
  return (
    <Card
      title="Changes"
      actions={
        <SearchField
          label="Who, what or on what"
          value={search ?? ''}
          onChange={(text) =>
            void navigate({
              to: '/activity',
              search: text === '' ? {} : { search: text },
              replace: true,
            })
          }
        />
      }
    >
      {audit.isError && <Notice tone="bad" title={messageOf(audit.error)} />}
      {audit.isPending && <Skeleton lines={8} />}
      {audit.isSuccess && entries.length === 0 && (
        <Empty title="Nobody has changed such a thing." />
      )}
      {entries.length > 0 && (
        <Table
          label="Changes"
          columns={columns}
          rows={entries}
          keyOf={(entry) => String(entry.id)}
        />
      )}
      {audit.hasNextPage && (
        <Button busy={audit.isFetchingNextPage} onClick={() => void audit.fetchNextPage()}>
          Earlier ones
        </Button>
      )}
    </Card>
  )
}
