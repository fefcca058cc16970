import { useMutation, useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import type { DelegatedJob } from '@slipway/contract/delegations'
import { Square } from 'lucide-react'
import { api, messageOf } from '../../api/client.ts'
import { QueryPage } from '../../app/query-page.tsx'
import { refName, shortCommit } from '../../format/git.ts'
import { formatDuration } from '../../format/time.ts'
import { jobLog } from '../../log/log-sources.ts'
import { LogView } from '../../log/log-view.tsx'
import { useMay } from '../../session/session.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Figures } from '../../ui/figures.tsx'
import { Empty, Notice } from '../../ui/notice.tsx'
import { Page } from '../../ui/page.tsx'
import { RepositoryLink } from '../../ui/repository-link.tsx'
import { Status } from '../../ui/status.tsx'
import { Duration, TimeAgo } from '../../ui/time.tsx'
import { useToast } from '../../ui/toast.tsx'

const route = getRouteApi('/inside/jobs/$id')

/** One job of GitHub Actions: what became of it, and its container's log. */
export function JobPage() {
  const { id } = route.useParams()
  const job = useQuery({
    queryKey: ['job', id],
    queryFn: ({ signal }) => api.jobs.get(id, { signal }),
  })
  return (
    <QueryPage title="Job" query={job}>
      {(data) => <JobView job={data} />}
    </QueryPage>
  )
}

function JobView({ job }: { job: DelegatedJob }) {
  const { line } = route.useSearch()
  const navigate = useNavigate()
  const may = useMay()
  const say = useToast()
  const active = job.completedAt === null
  const cancel = useMutation({
    mutationFn: () => api.jobs.cancel(job.id),
    onSuccess: () => say('good', 'The job is cancelled.'),
    onError: (error) => say('bad', messageOf(error)),
  })
  const { metadata } = job
  return (
    <Page
      title={job.jobId ?? `Job ${job.id.slice(0, 8)}`}
      heading={
        <span>
          {job.jobId ?? 'A job'} <Status value={job.status} />
        </span>
      }
      subtitle={
        <>
          <RepositoryLink repository={job.repository} />
          {job.workflow !== null && <span dir="auto"> · {job.workflow}</span>}
          {job.ref !== null && <span dir="auto"> · {refName(job.ref)}</span>}
          {job.sha !== null && (
            <>
              {' '}
              · <code>{shortCommit(job.sha)}</code>
            </>
          )}{' '}
          · <TimeAgo at={metadata.delegatedAt} />
        </>
      }
      actions={
        active &&
        may('delegations:cancel') && (
          <Button tone="danger" busy={cancel.isPending} onClick={() => cancel.mutate()}>
            <Square size={14} aria-hidden /> Cancel
          </Button>
        )
      }
    >
      {metadata.reason !== null && (
        <Notice tone={job.status === 'failed' ? 'bad' : 'idle'} title={metadata.reason} />
      )}
      <Card title="Figures">
        <Figures
          figures={[
            { label: 'Class', value: metadata.runnerClass ?? '–' },
            {
              label: 'Waited',
              value: metadata.queueMs === null ? '–' : formatDuration(metadata.queueMs),
            },
            { label: 'Took', value: <Duration from={job.startedAt} to={job.completedAt} /> },
            { label: 'Exit code', value: job.exitCode ?? '–' },
            { label: 'Containers', value: metadata.attempt },
          ]}
        />
      </Card>
      <Card title="Log">
        {job.startedAt === null ? (
          <Empty title="It has not begun." />
        ) : (
          <LogView
            source={jobLog(job.id)}
            live={active}
            line={line}
            onLine={(next) =>
              void navigate({
                to: '/jobs/$id',
                params: { id: job.id },
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
