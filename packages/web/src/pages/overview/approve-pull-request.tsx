import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { PullRequest } from '@slipway/contract/github'
import { api, messageOf } from '../../api/client.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { FormActions } from '../../ui/form.tsx'
import { Notice } from '../../ui/notice.tsx'
import { useToast } from '../../ui/toast.tsx'

/** Says what a pull request of a fork would run, and lets it. */
export function ApprovePullRequest({
  pullRequest,
  onClose,
}: {
  pullRequest: PullRequest
  onClose: () => void
}) {
  const say = useToast()
  const queries = useQueryClient()
  const { id, number, title, repository, author, head_repository: fork } = pullRequest
  const approve = useMutation({
    mutationFn: () => api.pullRequests.approve(id),
    onSuccess: () => {
      say('good', 'Approved: its run has begun.')
      onClose()
    },
    onSettled: () => void queries.invalidateQueries({ queryKey: ['overview'] }),
  })
  return (
    <Dialog
      title={`#${number} ${title}`}
      description={`${author} wants to change ${repository}${fork === null ? '' : ` from ${fork}`}.`}
      open
      onOpenChange={(open) => {
        if (!open) onClose()
      }}
    >
      <p>
        What commit <code>{pullRequest.commit_sha.slice(0, 12)}</code> says is run here, with what
        steps of this repository may do. Look at{' '}
        <a
          href={`https://github.com/${repository}/pull/${number}/files`}
          rel="noreferrer"
          target="_blank"
        >
          its changes
        </a>{' '}
        first.
      </p>
      {approve.isError && (
        <Notice tone="bad" title="It was not approved">
          <p>{messageOf(approve.error)}</p>
        </Notice>
      )}
      <FormActions>
        <Button onClick={onClose}>Not now</Button>
        <Button tone="primary" busy={approve.isPending} onClick={() => approve.mutate()}>
          Approve, and run it
        </Button>
      </FormActions>
    </Dialog>
  )
}
