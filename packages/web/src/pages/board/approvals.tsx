import { useMutation } from '@tanstack/react-query'
import type { ListedApproval } from '@slipway/contract/approvals'
import type { Environment } from '@slipway/contract/environments'
import { api, messageOf } from '../../api/client.ts'
import { useMay, useSession } from '../../session/session.ts'
import { forgetDraft, useDraft } from '../../session/drafts.ts'
import { Button } from '../../ui/button.tsx'
import { Field } from '../../ui/field.tsx'
import { Status } from '../../ui/status.tsx'
import { TimeAgo } from '../../ui/time.tsx'
import styles from './deploy-dialog.module.css'

/** Who has approved, who is still asked for, and a place to do so. */
export function Approvals({
  releaseId,
  policy,
  given,
  onApproved,
}: {
  releaseId: string
  policy: Environment
  given: readonly ListedApproval[]
  onApproved: () => void
}) {
  const may = useMay()
  const session = useSession()
  const form = `approval-${releaseId} ${policy.name}`
  const [why, setWhy] = useDraft(form, 'why', '')
  const approve = useMutation({
    mutationFn: () =>
      api.approvals.create({
        release_id: releaseId,
        environment: policy.name,
        justification: why.trim(),
      }),
    onSuccess: () => {
      forgetDraft(form)
      onApproved()
    },
  })
  const { approvals: needed, roles } = policy.approval
  const mine = given.some(({ approver }) => approver === session.data?.name)
  const counts = session.data?.roles.some((role) => roles.includes(role)) ?? false
  return (
    <section className={styles.approvals} aria-label="Approvals">
      <h3>
        {given.length} of {needed} {needed === 1 ? 'approval' : 'approvals'}
      </h3>
      <ul>
        {given.map((approval) => (
          <li key={approval.approval_id} className={styles.given}>
            <Status value="active" label="approved" />
            <span>
              <strong dir="auto">{approval.approver}</strong>{' '}
              <small>
                <TimeAgo at={approval.approved_at} /> · ends <TimeAgo at={approval.expires_at} />
              </small>
            </span>
            <p dir="auto">{approval.justification}</p>
          </li>
        ))}
      </ul>
      {given.length < needed && !mine && counts && may('approvals:create') && (
        <form
          className={styles.approvals}
          onSubmit={(event) => {
            event.preventDefault()
            approve.mutate()
          }}
        >
          <Field
            label="Why it may go there"
            problem={approve.isError ? messageOf(approve.error) : undefined}
          >
            {(control) => (
              <textarea
                {...control}
                required
                rows={2}
                maxLength={2000}
                value={why}
                onChange={(event) => setWhy(event.target.value)}
              />
            )}
          </Field>
          <div className={styles.actions}>
            <Button type="submit" tone="primary" busy={approve.isPending}>
              Approve
            </Button>
          </div>
        </form>
      )}
      {given.length < needed && !counts && (
        <p>It takes somebody who is {roles.join(' or ') || 'nobody here'}.</p>
      )}
    </section>
  )
}
