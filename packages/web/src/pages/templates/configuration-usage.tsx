import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import type { Configuration } from '@slipway/contract/configurations'
import { api, messageOf } from '../../api/client.ts'
import { forgetDraft } from '../../session/drafts.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { ConfirmButton } from '../../ui/confirm-button.tsx'
import { FormActions } from '../../ui/form.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { useToast } from '../../ui/toast.tsx'

/** Which builds use a configuration, and what may be done with it for that. */
export function ConfigurationUsage({
  configuration,
  editable,
}: {
  configuration: Configuration
  editable: boolean
}) {
  const say = useToast()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const { id, name, archived } = configuration
  const usage = useQuery({
    queryKey: ['builds', 'configurations', id, 'usage'],
    queryFn: ({ signal }) => api.configurations.usage(id, { signal }),
  })
  const change = useMutation({
    mutationFn: (act: () => Promise<unknown>) => act(),
    onError: (error) => say('bad', messageOf(error)),
    onSettled: () => void queries.invalidateQueries({ queryKey: ['builds'] }),
  })
  const remove = () =>
    change.mutate(async () => {
      await api.configurations.delete(id)
      forgetDraft(`configuration-${id}`)
      say('good', 'The configuration is deleted.')
      await navigate({ to: '/templates' })
    })
  const archive = () =>
    change.mutate(async () => {
      await api.configurations.update(id, { archived: !archived })
      say('good', archived ? 'It can be used again.' : 'It is archived: new builds cannot use it.')
    })
  return (
    <Card title="Used by">
      <QueryView query={usage}>
        {({ builds, at_least: atLeast, last_build_id: last }) => (
          <>
            <p>
              {builds === 0
                ? 'No build has used it.'
                : `${builds}${atLeast ? ' or more' : ''} builds`}
              {last !== null && (
                <>
                  , the last one{' '}
                  <Link to="/builds/$id" params={{ id: String(last) }}>
                    {last}
                  </Link>
                </>
              )}
              {archived && ' It is archived: new builds cannot use it.'}
            </p>
            {editable && (
              <FormActions>
                <Button size="small" busy={change.isPending} onClick={archive}>
                  {archived ? 'Bring it back' : 'Archive'}
                </Button>
                {(builds === 0 || archived) && (
                  <ConfirmButton
                    label="Delete"
                    title={`Delete ${name}?`}
                    busy={change.isPending}
                    onConfirm={remove}
                  >
                    {builds === 0
                      ? 'It can’t be undone.'
                      : 'Builds that used it do not say so any more. It can’t be undone.'}
                  </ConfirmButton>
                )}
              </FormActions>
            )}
          </>
        )}
      </QueryView>
    </Card>
  )
}
