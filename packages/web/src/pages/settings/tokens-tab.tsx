import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Token } from '@slipway/contract/access'
import { useState } from 'react'
import { api, messageOf } from '../../api/client.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { ConfirmButton } from '../../ui/confirm-button.tsx'
import { Empty } from '../../ui/notice.tsx'
import { Pager } from '../../ui/pager.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { ShownOnce } from '../../ui/shown-once.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { TimeAgo } from '../../ui/time.tsx'
import { useToast } from '../../ui/toast.tsx'
import { CreateTokenDialog } from './create-token-dialog.tsx'

const pageSize = 25

const columns: readonly Column<Token>[] = [
  { title: 'Name', cell: (token) => <strong dir="auto">{token.name}</strong> },
  { title: 'Roles', cell: (token) => token.roles.join(', ') },
  {
    title: 'Repositories',
    cell: (token) => token.repositories?.join(', ') ?? 'all',
  },
  { title: 'Last used', cell: (token) => <TimeAgo at={token.last_used_at} />, align: 'end' },
  { title: 'Ends', cell: (token) => <TimeAgo at={token.expires_at} />, align: 'end' },
]

/** Tokens of people and of service accounts. */
export function TokensTab() {
  const say = useToast()
  const queries = useQueryClient()
  const [page, setPage] = useState(1)
  const [making, setMaking] = useState(false)
  const [made, setMade] = useState<{ name: string; token: string } | null>(null)
  const reload = () => void queries.invalidateQueries({ queryKey: ['settings', 'tokens'] })
  const tokens = useQuery({
    queryKey: ['settings', 'tokens', page],
    queryFn: ({ signal }) =>
      api.tokens.list({ limit: pageSize, offset: (page - 1) * pageSize }, { signal }),
  })
  const revoke = useMutation({
    mutationFn: (id: string) => api.tokens.revoke(id),
    onSuccess: () => say('good', 'The token is revoked.'),
    onError: (error) => say('bad', messageOf(error)),
    onSettled: reload,
  })
  const withActions: Column<Token>[] = [
    ...columns,
    {
      title: 'Revoke',
      align: 'end',
      cell: (token) => (
        <ConfirmButton
          label="Revoke"
          title={`Revoke ${token.name}?`}
          busy={revoke.isPending && revoke.variables === token.id}
          onConfirm={() => revoke.mutate(token.id)}
        >
          Whatever uses it is refused within ten seconds. It can’t be undone.
        </ConfirmButton>
      ),
    },
  ]
  return (
    <Card
      title="Tokens"
      actions={
        <Button size="small" onClick={() => setMaking(true)}>
          New token
        </Button>
      }
    >
      {made !== null && <ShownOnce title={`The token ${made.name}`} secret={made.token} />}
      <QueryView query={tokens}>
        {({ tokens: rows, total }) =>
          rows.length === 0 ? (
            <Empty title="There is no token but the administrator’s." />
          ) : (
            <>
              <Table label="Tokens" columns={withActions} rows={rows} keyOf={(row) => row.id} />
              <Pager page={page} more={page * pageSize < total} onPage={setPage} />
            </>
          )
        }
      </QueryView>
      {making && (
        <CreateTokenDialog
          onMade={(token) => {
            setMade(token)
            setMaking(false)
            reload()
          }}
          onClose={() => setMaking(false)}
        />
      )}
    </Card>
  )
}
