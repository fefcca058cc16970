import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type BuildStepKey, buildSteps } from '@slipway/contract/builds'
import { api, messageOf } from '../../api/client.ts'
import { useMay } from '../../session/session.ts'
import { forgetDraft, useDraft } from '../../session/drafts.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, FormActions } from '../../ui/form.tsx'
import { Notice } from '../../ui/notice.tsx'
import { Page } from '../../ui/page.tsx'
import { readInputs } from '../repository/read-inputs.ts'
import { type BuildDraft, emptyDraft, toRequest, withStep } from './build-draft.ts'
import styles from './new-build-page.module.css'

const form = 'new-build'

/** What is to be built, asked for in the order in which it is done. */
export function NewBuildPage() {
  const may = useMay()
  const navigate = useNavigate()
  const [kept, setDraft] = useDraft(form, 'choices', emptyDraft)
  const draft = { ...emptyDraft, ...kept }
  const change = (part: Partial<BuildDraft>) => setDraft({ ...draft, ...part })
  const sources = useQuery({
    queryKey: ['builds', 'sources'],
    queryFn: ({ signal }) => api.repositories.list({ limit: 1000 }, { signal }),
  })
  const templates = useQuery({
    queryKey: ['builds', 'templates'],
    queryFn: ({ signal }) => api.branding.list({ limit: 100 }, { signal }),
  })
  const configurations = useQuery({
    queryKey: ['builds', 'configurations'],
    queryFn: ({ signal }) => api.configurations.list({ limit: 100 }, { signal }),
  })
  const registries = useQuery({
    queryKey: ['builds', 'registries'],
    queryFn: ({ signal }) => api.registries.list({ limit: 100 }, { signal }),
  })
  const args = readInputs(draft.args)
  const make = useMutation({
    mutationFn: async () => {
      const build = await api.builds.create(toRequest(draft, args.inputs))
      await api.builds.execute(build.id)
      return build
    },
    onSuccess: ({ id }) => {
      forgetDraft(form)
      return navigate({ to: '/builds/$id', params: { id: String(id) } })
    },
  })
  const has = (step: BuildStepKey) => draft.steps.includes(step)
  return (
    <Page title="New build">
      <Form onSubmit={() => make.mutate()}>
        <Card title="From">
          <div className={styles.fields}>
            <Field label="Repository">
              {(control) => (
                <select
                  {...control}
                  value={draft.repository}
                  onChange={(event) => change({ repository: event.target.value })}
                >
                  <option value="">the official one</option>
                  {sources.data?.repositories.map((one) => (
                    <option key={one.id} value={one.id} disabled={!one.is_verified}>
                      {one.name}
                      {one.is_verified ? '' : ' (not verified)'}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            <Field label="Branch, tag or commit" hint="Empty: its default branch.">
              {(control) => (
                <input
                  {...control}
                  maxLength={255}
                  value={draft.ref}
                  onChange={(event) => change({ ref: event.target.value })}
                />
              )}
            </Field>
          </div>
        </Card>
        <Card title="Steps">
          <fieldset className={styles.steps}>
            <legend className="visually-hidden">Steps</legend>
            {buildSteps.map((step) => (
              <label key={step.key}>
                <input
                  type="checkbox"
                  checked={has(step.key)}
                  disabled={step.required}
                  onChange={({ target }) =>
                    setDraft({ ...draft, steps: withStep(draft.steps, step.key, target.checked) })
                  }
                />
                <span>
                  <strong>{step.name}</strong>
                  <small>{step.description}</small>
                </span>
              </label>
            ))}
          </fieldset>
        </Card>
        {(has('apply_branding') || has('apply_config')) && (
          <Card title="Dressed in">
            <div className={styles.fields}>
              {has('apply_branding') && (
                <Field label="Branding template">
                  {(control) => (
                    <select
                      {...control}
                      required
                      value={draft.template}
                      onChange={(event) => change({ template: event.target.value })}
                    >
                      <option value="">choose one</option>
                      {templates.data?.templates.map((one) => (
                        <option key={one.id} value={one.id}>
                          {one.name}
                        </option>
                      ))}
                    </select>
                  )}
                </Field>
              )}
              {has('apply_config') && (
                <Field label="Configuration">
                  {(control) => (
                    <select
                      {...control}
                      required
                      value={draft.configuration}
                      onChange={(event) => change({ configuration: event.target.value })}
                    >
                      <option value="">choose one</option>
                      {configurations.data?.configurations.map((one) => (
                        <option key={one.id} value={one.id}>
                          {one.name}
                        </option>
                      ))}
                    </select>
                  )}
                </Field>
              )}
            </div>
          </Card>
        )}
        {has('build_image') && (
          <Card title="Image">
            <div className={styles.fields}>
              <Field label="Name" hint="Empty: the repository’s, with -custom.">
                {(control) => (
                  <input
                    {...control}
                    maxLength={200}
                    value={draft.image}
                    onChange={(event) => change({ image: event.target.value })}
                  />
                )}
              </Field>
              <Field label="Tag" hint="Empty: the time.">
                {(control) => (
                  <input
                    {...control}
                    maxLength={128}
                    value={draft.tag}
                    onChange={(event) => change({ tag: event.target.value })}
                  />
                )}
              </Field>
              <Field
                label="Arguments"
                hint="Values of ARG, one a line as NAME=value. Not for secrets."
                problem={args.problem}
              >
                {(control) => (
                  <textarea
                    {...control}
                    rows={3}
                    value={draft.args}
                    onChange={(event) => change({ args: event.target.value })}
                  />
                )}
              </Field>
              {has('push_registry') && (
                <Field label="Registry">
                  {(control) => (
                    <select
                      {...control}
                      required
                      value={draft.registry}
                      onChange={(event) => change({ registry: event.target.value })}
                    >
                      <option value="">choose one</option>
                      {registries.data?.registries.map((one) => (
                        <option key={one.id} value={one.id}>
                          {one.name}
                        </option>
                      ))}
                    </select>
                  )}
                </Field>
              )}
            </div>
          </Card>
        )}
        {make.isError && (
          <Notice tone="bad" title="It was not built">
            <p>{messageOf(make.error)}</p>
            <p>What you chose stays here.</p>
          </Notice>
        )}
        <FormActions>
          <Button
            onClick={() => {
              forgetDraft(form)
              void navigate({ to: '/builds', search: {} })
            }}
          >
            Not now
          </Button>
          <Button
            type="submit"
            tone="primary"
            busy={make.isPending}
            disabled={!may('builds:create') || args.problem !== undefined}
          >
            Build
          </Button>
        </FormActions>
      </Form>
    </Page>
  )
}
