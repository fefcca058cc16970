import { useMutation, useQuery } from '@tanstack/react-query'
import { api, messageOf } from '../../api/client.ts'
import { useMay } from '../../session/session.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Notice } from '../../ui/notice.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { useToast } from '../../ui/toast.tsx'
import { Approvals } from './approvals.tsx'
import styles from './deploy-dialog.module.css'
import { FileDiff } from './file-diff.tsx'

/** What is deployed before what points to it, of which every deployment changes a few lines. */
function byInterest(one: { path: string }, other: { path: string }): number {
  const isPointer = ({ path }: { path: string }) => Number(path.endsWith('/release.yaml'))
  return isPointer(one) - isPointer(other)
}

/** A release on its way to an environment: what would change, who approves it, and the button. */
export function DeployDialog({
  releaseId,
  title,
  environment,
  onClose,
}: {
  releaseId: string
  /** Of the release. */
  title: string
  environment: string
  onClose: () => void
}) {
  const may = useMay()
  const say = useToast()
  const policies = useQuery({
    queryKey: ['board', 'environments', releaseId],
    queryFn: ({ signal }) => api.environments.list({ releaseId }, { signal }),
  })
  const approvals = useQuery({
    queryKey: ['approvals', releaseId, environment],
    queryFn: ({ signal }) =>
      api.approvals.list(
        { release_id: releaseId, environment, status: 'active', limit: 100 },
        { signal },
      ),
  })
  const preview = useQuery({
    queryKey: ['board', 'preview', releaseId, environment],
    queryFn: ({ signal }) =>
      api.deployments.preview({ release_id: releaseId, environment }, { signal }),
  })
  const policy = policies.data?.find(({ name }) => name === environment)
  const given = approvals.data?.approvals ?? []
  const deploy = useMutation({
    mutationFn: () =>
      api.deployments.create({
        release_id: releaseId,
        environment,
        ...(given[0] === undefined ? {} : { approval_id: given[0].approval_id }),
      }),
    onSuccess: () => {
      say('good', `${title} is on its way to ${environment}.`)
      onClose()
    },
  })
  const missing =
    policy?.approval.required === true ? Math.max(0, policy.approval.approvals - given.length) : 0
  return (
    <Dialog
      title={`${title} → ${environment}`}
      wide
      open
      onOpenChange={(open) => {
        if (!open) onClose()
      }}
    >
      {policy?.approval.required === true && (
        <Approvals
          releaseId={releaseId}
          policy={policy}
          given={given}
          onApproved={() => void approvals.refetch()}
        />
      )}
      <h3>What would change</h3>
      <QueryView query={preview} lines={3}>
        {({ files, rollback }) => (
          <>
            {rollback && (
              <Notice tone="wait" title="This goes back to an older release than is there now." />
            )}
            {files.toSorted(byInterest).map((file) => (
              <FileDiff key={file.path} {...file} />
            ))}
          </>
        )}
      </QueryView>
      {deploy.isError && (
        <Notice tone="bad" title="It was not deployed">
          <p>{messageOf(deploy.error)}</p>
        </Notice>
      )}
      <div className={styles.footer}>
        <Button onClick={onClose}>Not now</Button>
        {may('deployments:create') && (
          <Button
            tone="primary"
            busy={deploy.isPending}
            disabled={policy === undefined || missing > 0}
            onClick={() => deploy.mutate()}
          >
            {missing > 0 ? `${missing} more to approve` : `Deploy to ${environment}`}
          </Button>
        )}
      </div>
    </Dialog>
  )
}
