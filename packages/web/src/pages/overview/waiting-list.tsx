import { Link } from '@tanstack/react-router'
import type { PullRequest } from '@slipway/contract/github'
import type { WaitingForMeResponse, WaitingRelease } from '@slipway/contract/overview'
import { type ReactNode, useState } from 'react'
import { refName } from '../../format/git.ts'
import { Button } from '../../ui/button.tsx'
import { Empty } from '../../ui/notice.tsx'
import { Status } from '../../ui/status.tsx'
import { TimeAgo } from '../../ui/time.tsx'
import { DeployDialog } from '../board/deploy-dialog.tsx'
import { ApprovePullRequest } from './approve-pull-request.tsx'
import styles from './overview-page.module.css'

/** Shown before the others are asked for. */
const most = 5

/** What whoever looks may decide, and what they started that failed. */
export function WaitingList({ waiting }: { waiting: WaitingForMeResponse }) {
  const [release, setRelease] = useState<WaitingRelease | null>(null)
  const [pullRequest, setPullRequest] = useState<PullRequest | null>(null)
  const { approvals, pull_requests: pullRequests, workflows } = waiting
  const { failed_runs: runs, failed_builds: builds } = waiting
  const [all, setAll] = useState(false)
  const items = [
    ...approvals.map((one) => (
      <Item
        key={`${one.release.id} ${one.environment}`}
        title={`${one.project} #${one.release.release_number} → ${one.environment}`}
        about={`${one.repository} · ${one.given} of ${one.required}`}
        at={one.release.created_at}
        action={
          <Button size="small" onClick={() => setRelease(one)}>
            Approve
          </Button>
        }
      />
    )),
    ...pullRequests.map((one) => (
      <Item
        key={one.id}
        title={`#${one.number} ${one.title}`}
        about={`${one.repository} · from a fork by ${one.author}`}
        at={one.received_at}
        action={
          <Button size="small" onClick={() => setPullRequest(one)}>
            Look
          </Button>
        }
      />
    )),
    ...workflows.map((one) => (
      <Item
        key={`workflow ${one.id}`}
        title={
          <a href={one.url} rel="noreferrer" target="_blank">
            {one.name} waits at GitHub
          </a>
        }
        about={`${one.repository} · ${refName(one.branch)}`}
        at={one.since}
      />
    )),
    ...runs.map((one) => (
      <Item
        key={one.id}
        status="failed"
        title={
          <Link to="/runs/$id" params={{ id: one.id }}>
            Your run of {refName(one.branch)} failed
          </Link>
        }
        about={one.message === null ? one.repository : `${one.repository} · ${one.message}`}
        at={one.failed_at}
      />
    )),
    ...builds.map((one) => (
      <Item
        key={`build ${one.id}`}
        status="failed"
        title={
          <Link to="/builds/$id" params={{ id: String(one.id) }}>
            Your build {one.id} failed
          </Link>
        }
        about={one.error === null ? one.repository : `${one.repository} · ${one.error}`}
        at={one.failed_at}
      />
    )),
  ]
  if (items.length === 0) return <Empty title="Nothing waits for you." />
  return (
    <>
      <ul className={styles.list}>
        {all ? items : items.slice(0, most)}
        {!all && items.length > most && (
          <li>
            <Button size="small" onClick={() => setAll(true)}>
              {items.length - most} more
            </Button>
          </li>
        )}
      </ul>
      {release !== null && (
        <DeployDialog
          releaseId={release.release.id}
          title={`${release.project} #${release.release.release_number}`}
          environment={release.environment}
          onClose={() => setRelease(null)}
        />
      )}
      {pullRequest !== null && (
        <ApprovePullRequest pullRequest={pullRequest} onClose={() => setPullRequest(null)} />
      )}
    </>
  )
}

function Item({
  status = 'waiting',
  title,
  about,
  at,
  action,
}: {
  status?: 'waiting' | 'failed'
  title: ReactNode
  about: string
  at: string
  action?: ReactNode
}) {
  return (
    <li>
      <Status value={status} compact />
      <span className={styles.what}>
        <strong dir="auto">{title}</strong>
        <span className={styles.soft} dir="auto">
          <TimeAgo at={at} /> · {about.slice(0, 200)}
        </span>
      </span>
      {action}
    </li>
  )
}
