import { useMutation, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import type { Build } from '@slipway/contract/builds'
import { Download, Play, RotateCw, Square } from 'lucide-react'
import { api, messageOf } from '../../api/client.ts'
import { QueryPage } from '../../app/query-page.tsx'
import { shortCommit } from '../../format/git.ts'
import { formatBytes } from '../../format/numbers.ts'
import { buildLog } from '../../log/log-sources.ts'
import { LogView } from '../../log/log-view.tsx'
import { useMay } from '../../session/session.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Empty, Notice } from '../../ui/notice.tsx'
import { Page } from '../../ui/page.tsx'
import { Status } from '../../ui/status.tsx'
import { Table } from '../../ui/table.tsx'
import { Duration, TimeAgo } from '../../ui/time.tsx'
import { useToast } from '../../ui/toast.tsx'
import { BuildSteps } from './build-steps.tsx'

const route = getRouteApi('/inside/builds/$id')

/** One build: its steps as they go, its log, what came of it. */
export function BuildPage() {
  const { id } = route.useParams()
  const build = useQuery({
    queryKey: ['build', id],
    queryFn: ({ signal }) => api.builds.get(Number(id), { signal }),
  })
  return (
    <QueryPage title={`Build #${id}`} query={build}>
      {(data) => <BuildView build={data} />}
    </QueryPage>
  )
}

function BuildView({ build }: { build: Build }) {
  const { line } = route.useSearch()
  const navigate = useNavigate()
  return (
    <Page
      title={`Build #${build.id}`}
      heading={
        <span>
          Build #{build.id} <Status value={build.status} />
        </span>
      }
      subtitle={
        <>
          <span dir="auto">{build.repository_info.name}</span>
          {build.ref !== null && (
            <>
              {' '}
              · <span dir="auto">{build.ref}</span>
            </>
          )}
          {build.commit_sha !== null && (
            <>
              {' '}
              · <code>{shortCommit(build.commit_sha)}</code>
            </>
          )}{' '}
          · by <span dir="auto">{build.created_by}</span> · <TimeAgo at={build.started_at} /> ·{' '}
          <Duration from={build.executed_at} to={build.completed_at} />
        </>
      }
      actions={<BuildActions build={build} />}
    >
      {build.error !== null && <Notice tone="bad" title={build.error} />}
      {build.retry_of !== null && (
        <p>
          It tries{' '}
          <Link to="/builds/$id" params={{ id: String(build.retry_of) }}>
            #{build.retry_of}
          </Link>{' '}
          again.
        </p>
      )}
      <Card title="Steps">
        <BuildSteps steps={build.steps} />
      </Card>
      <Card title="Outputs">
        {build.build_outputs.length === 0 ? (
          <Empty title={build.completed_at === null ? 'There will be some.' : 'There is none.'} />
        ) : (
          <Table
            label="Outputs"
            rows={build.build_outputs}
            keyOf={(output) => String(output.id)}
            columns={[
              { title: 'Kind', cell: (output) => output.output_type.replace('_', ' ') },
              {
                title: 'What',
                cell: (output) => (
                  <code>{output.image_url ?? output.file_path?.split('/').at(-1)}</code>
                ),
              },
              {
                title: 'Size',
                align: 'end',
                cell: (output) =>
                  formatBytes(output.file_size_bytes ?? output.image_size_bytes ?? 0),
              },
              { title: 'Kept until', align: 'end', cell: (row) => <TimeAgo at={row.expires_at} /> },
              {
                title: 'Download',
                align: 'end',
                cell: (output) =>
                  output.download_url !== undefined && (
                    <a href={output.download_url} download>
                      <Download size={14} aria-hidden /> Download
                    </a>
                  ),
              },
            ]}
          />
        )}
      </Card>
      <Card title="Log">
        {build.executed_at === null ? (
          <Empty title="It has not begun." />
        ) : (
          <LogView
            key={build.attempt}
            source={buildLog(build.id)}
            live={build.completed_at === null}
            line={line}
            onLine={(next) =>
              void navigate({
                to: '/builds/$id',
                params: { id: String(build.id) },
                search: { line: next },
                replace: true,
              })
            }
          />
        )}
      </Card>
    </Page>
  )
}

function BuildActions({ build }: { build: Build }) {
  const may = useMay()
  const say = useToast()
  const navigate = useNavigate()
  const onError = (error: unknown) => say('bad', messageOf(error))
  const execute = useMutation({ mutationFn: () => api.builds.execute(build.id), onError })
  const cancel = useMutation({
    mutationFn: () => api.builds.cancel(build.id),
    onSuccess: () => say('good', 'The build is cancelled.'),
    onError,
  })
  const retry = useMutation({
    mutationFn: () => api.builds.retry(build.id),
    onSuccess: ({ id }) => navigate({ to: '/builds/$id', params: { id: String(id) } }),
    onError,
  })
  if (!may('builds:create')) return null
  const ended = build.completed_at !== null
  return (
    <>
      {build.status === 'pending' && build.executed_at === null && (
        <Button tone="primary" busy={execute.isPending} onClick={() => execute.mutate()}>
          <Play size={14} aria-hidden /> Begin
        </Button>
      )}
      {!ended && (
        <Button tone="danger" busy={cancel.isPending} onClick={() => cancel.mutate()}>
          <Square size={14} aria-hidden /> Cancel
        </Button>
      )}
      {ended && (
        <Button busy={retry.isPending} onClick={() => retry.mutate()}>
          <RotateCw size={14} aria-hidden /> Build again
        </Button>
      )}
    </>
  )
}
