import { useMutation, useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import type { Run } from '@slipway/contract/runs'
import { RotateCw, Square } from 'lucide-react'
import { api, messageOf } from '../../api/client.ts'
import { QueryPage } from '../../app/query-page.tsx'
import { refName, shortCommit } from '../../format/git.ts'
import { stepLog } from '../../log/log-sources.ts'
import { LogView } from '../../log/log-view.tsx'
import { useMay } from '../../session/session.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Empty, Notice } from '../../ui/notice.tsx'
import { Page } from '../../ui/page.tsx'
import { RepositoryLink } from '../../ui/repository-link.tsx'
import { Status } from '../../ui/status.tsx'
import { Duration, TimeAgo } from '../../ui/time.tsx'
import { useToast } from '../../ui/toast.tsx'
import { chooseStep } from './choose-step.ts'
import { RunGraph } from './run-graph.tsx'
import styles from './run-page.module.css'

const route = getRouteApi('/inside/runs/$id')

/** One run, filling as it goes: its graph, the steps of a task, the log of a step. */
export function RunPage() {
  const { id } = route.useParams()
  const run = useQuery({
    queryKey: ['run', id],
    queryFn: ({ signal }) => api.runs.get(id, { signal }),
  })
  return (
    <QueryPage title="Run" query={run}>
      {(data) => <RunView run={data} />}
    </QueryPage>
  )
}

function RunView({ run }: { run: Run }) {
  const search = route.useSearch()
  const navigate = useNavigate()
  const chosen = chooseStep(run, search.step)
  const choose = (step: string) =>
    void navigate({ to: '/runs/$id', params: { id: run.id }, search: { step }, replace: true })
  return (
    <Page
      title={`${run.repository} ${shortCommit(run.commit_sha)}`}
      heading={
        <span className={styles.heading}>
          <RepositoryLink repository={run.repository} />
          <code>{shortCommit(run.commit_sha)}</code>
          <Status value={run.status} />
        </span>
      }
      subtitle={
        <>
          <span dir="auto">{refName(run.branch)}</span> · {run.trigger_type.replace('_', ' ')} by{' '}
          <span dir="auto">{run.triggered_by}</span> · <TimeAgo at={run.started_at} /> ·{' '}
          <Duration from={run.started_at} to={run.completed_at} />
        </>
      }
      actions={<RunActions run={run} />}
    >
      {run.message !== undefined && (
        <Notice tone={run.status === 'failed' ? 'bad' : 'idle'} title={run.message}>
          {run.problems !== undefined && (
            <ul className={styles.problems}>
              {run.problems.map(({ file, path, line, message }) => (
                <li key={`${file}${path}${message}`}>
                  <code>
                    {file}
                    {line === undefined ? '' : `:${line}`} {path}
                  </code>{' '}
                  {message}
                </li>
              ))}
            </ul>
          )}
        </Notice>
      )}
      <Card title="Phases">
        {run.phases.length === 0 ? (
          <Empty title="Nothing is laid out yet.">
            <p>The commit’s configuration is being read.</p>
          </Empty>
        ) : (
          <RunGraph run={run} chosen={chosen?.step.id} onChoose={choose} />
        )}
      </Card>
      {chosen !== null && (
        <Card
          title={
            <span className={styles.heading}>
              {chosen.task.project_name} · {chosen.step.name} <Status value={chosen.step.status} />
            </span>
          }
          actions={
            <span>
              {chosen.step.exit_code !== null && <>exit {chosen.step.exit_code} · </>}
              <Duration from={chosen.step.started_at} to={chosen.step.completed_at} />
            </span>
          }
        >
          {chosen.step.error !== undefined && <Notice tone="bad" title={chosen.step.error} />}
          {chosen.step.status === 'pending' ? (
            <Empty title="It has not begun." />
          ) : (
            <LogView
              key={chosen.step.id}
              source={stepLog(chosen.step.id)}
              live={chosen.step.status === 'running'}
              line={search.line}
              onLine={(line) =>
                void navigate({
                  to: '/runs/$id',
                  params: { id: run.id },
                  search: { step: chosen.step.id, line },
                  replace: true,
                })
              }
            />
          )}
        </Card>
      )}
    </Page>
  )
}

function RunActions({ run }: { run: Run }) {
  const may = useMay()
  const say = useToast()
  const navigate = useNavigate()
  const active = run.status === 'pending' || run.status === 'running'
  const cancel = useMutation({
    mutationFn: () => api.runs.cancel(run.id),
    onError: (error) => say('bad', messageOf(error)),
    onSuccess: () => say('good', 'The run is cancelled.'),
  })
  const rerun = useMutation({
    mutationFn: () =>
      api.runs.create({
        repository: run.repository,
        branch: run.branch,
        commit_sha: run.commit_sha,
        trigger_type: 'manual',
      }),
    onError: (error) => say('bad', messageOf(error)),
    onSuccess: ({ id }) => navigate({ to: '/runs/$id', params: { id } }),
  })
  return (
    <>
      {active && may('runs:cancel') && (
        <Button tone="danger" busy={cancel.isPending} onClick={() => cancel.mutate()}>
          <Square size={14} aria-hidden /> Cancel
        </Button>
      )}
      {!active && may('runs:create') && (
        <Button busy={rerun.isPending} onClick={() => rerun.mutate()}>
          <RotateCw size={14} aria-hidden /> Run again
        </Button>
      )}
    </>
  )
}
