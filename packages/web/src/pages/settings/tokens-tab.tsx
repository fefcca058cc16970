import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Token } from '@slipway/contract/access'
import { roles } from '@slipway/contract/vocabulary'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { api, messageOf } from '../../api/client.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { ConfirmButton } from '../../ui/confirm-button.tsx'
import { FormActions } from '../../ui/form.tsx'
import { Empty } from '../../ui/notice.tsx'
import { Pager } from '../../ui/pager.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { Select } from '../../ui/select.tsx'
import { ShownOnce } from '../../ui/shown-once.tsx'
import { Status } from '../../ui/status.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { TimeAgo } from '../../ui/time.tsx'
import { useToast } from '../../ui/toast.tsx'
import { CreateTokenDialog } from './create-token-dialog.tsx'
import { RotateTokenDialog } from './rotate-token-dialog.tsx'

const pageSize = 25

const columns: readonly Column<Token>[] = [
  { title: 'Name', cell: (token) => <strong dir="auto">{token.name}</strong> },
  { title: 'Roles', cell: (token) => token.roles.join(', ') },
  {
    title: 'Repositories',
    cell: (token) => <span dir="auto">{token.repositories?.join(', ') ?? 'all'}</span>,
  },
  { title: 'Made by', cell: (token) => <span dir="auto">{token.created_by}</span> },
  { title: 'Last used', cell: (token) => <TimeAgo at={token.last_used_at} />, align: 'end' },
  { title: 'Ends', cell: (token) => <End at={token.expires_at} />, align: 'end' },
]

const everyRole: [string, string] = ['', 'All roles']

/** Tokens of people and of machines: service accounts and workers. */
export function TokensTab({ role: asked }: { role: string | undefined }) {
  const say = useToast()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const [page, setPage] = useState(1)
  const [making, setMaking] = useState(false)
  const [rotating, setRotating] = useState<Token | null>(null)
  const [made, setMade] = useState<{ name: string; token: string } | null>(null)
  const role = roles.find((one) => one === asked)
  const reload = () => void queries.invalidateQueries({ queryKey: ['settings', 'tokens'] })
  const query = {
    limit: pageSize,
    offset: (page - 1) * pageSize,
    ...(role === undefined ? {} : { role }),
  }
  const tokens = useQuery({
    queryKey: ['settings', 'tokens', query],
    queryFn: ({ signal }) => api.tokens.list(query, { signal }),
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
      title: 'Change',
      align: 'end',
      cell: (token) => (
        <FormActions>
          <Button size="small" onClick={() => setRotating(token)}>
            Rotate
          </Button>
          <ConfirmButton
            label="Revoke"
            title={`Revoke ${token.name}?`}
            busy={revoke.isPending && revoke.variables === token.id}
            onConfirm={() => revoke.mutate(token.id)}
          >
            Whatever uses it is refused within ten seconds. It can’t be undone.
          </ConfirmButton>
        </FormActions>
      ),
    },
  ]
  return (
    <Card
      title="Tokens and service accounts"
      actions={
        <>
          <Select
            label="Role"
            value={role ?? ''}
            options={[everyRole, ...roles.map((one): [string, string] => [one, one])]}
            onChange={(next) => {
              setPage(1)
              const search = next === '' ? {} : { role: next }
              void navigate({ to: '/settings', search: { tab: 'tokens', ...search } })
            }}
          />
          <Button size="small" onClick={() => setMaking(true)}>
            New token
          </Button>
        </>
      }
    >
      {made !== null && <ShownOnce title={`The token ${made.name}`} secret={made.token} />}
      <QueryView query={tokens}>
        {({ tokens: rows, total }) =>
          rows.length === 0 ? (
            <Empty
              title={
                role === undefined
                  ? 'There is no token but the administrator’s.'
                  : `No token has the role ${role}.`
              }
            />
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
      {rotating !== null && (
        <RotateTokenDialog
          token={rotating}
          onRotated={(token) => {
            setMade(token)
            setRotating(null)
            reload()
          }}
          onClose={() => setRotating(null)}
        />
      )}
    </Card>
  )
}

function End({ at }: { at: string | null }) {
  if (at === null) return <span>never</span>
  if (Date.parse(at) > Date.now()) return <TimeAgo at={at} />
  return (
    <span>
      <Status value="failed" label="expired" /> <TimeAgo at={at} />
    </span>
  )
}
