import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import type { Configuration, ConfigurationTarget } from '@slipway/contract/configurations'
import { api, isStatus, messageOf } from '../../api/client.ts'
import { type Problem, problemsOf } from '../../api/problems.ts'
import { QueryPage } from '../../app/query-page.tsx'
import { useChangeOf } from '../../session/change-of.ts'
import { forgetDraft, useDraft } from '../../session/drafts.ts'
import { useMay } from '../../session/session.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { ChangedNotice } from '../../ui/changed-notice.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, FormActions } from '../../ui/form.tsx'
import { Notice } from '../../ui/notice.tsx'
import { Page } from '../../ui/page.tsx'
import { useToast } from '../../ui/toast.tsx'
import { ConfigurationUsage } from './configuration-usage.tsx'
import { readSettings } from './read-settings.ts'
import { Targets } from './targets.tsx'
import styles from './templates-page.module.css'

const route = getRouteApi('/inside/templates/configurations/$id')

const empty = { name: '', description: null, settings: {}, targets: [] }

/** One configuration, to be made (`new`) or changed: its settings, and the files they are merged into. */
export function ConfigurationPage() {
  const { id } = route.useParams()
  if (id === 'new') return <ConfigurationForm key="new" kept={null} />
  return <Kept key={id} id={Number(id)} />
}

function Kept({ id }: { id: number }) {
  const configuration = useQuery({
    queryKey: ['builds', 'configurations', id],
    queryFn: ({ signal }) => api.configurations.get(id, { signal }),
  })
  return (
    <QueryPage title="Configuration" query={configuration}>
      {(kept) => <ConfigurationForm kept={kept} />}
    </QueryPage>
  )
}

function ConfigurationForm({ kept }: { kept: Configuration | null }) {
  const may = useMay()
  const say = useToast()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const form = `configuration-${kept?.id ?? 'new'}`
  const { name: itsName, description: about, settings, targets: itsTargets } = kept ?? empty
  const [name, setName] = useDraft(form, 'name', itsName)
  const [description, setDescription] = useDraft(form, 'description', about ?? '')
  const [text, setText] = useDraft(form, 'settings', JSON.stringify(settings, null, 2))
  const [targets, setTargets] = useDraft<readonly ConfigurationTarget[]>(
    form,
    'targets',
    itsTargets,
  )
  const { since, isOlder, onType, showKept, goOn } = useChangeOf({
    form,
    kept,
    isTyped: (known) =>
      name !== known.name ||
      description !== (known.description ?? '') ||
      text !== JSON.stringify(known.settings, null, 2) ||
      JSON.stringify(targets) !== JSON.stringify(known.targets),
    show: (now) => {
      setName(now.name)
      setDescription(now.description ?? '')
      setText(JSON.stringify(now.settings, null, 2))
      setTargets(now.targets)
    },
  })
  const parsed = readSettings(text)
  const save = useMutation({
    mutationFn: async () => {
      if (parsed.problem !== null) throw new Error(parsed.problem)
      const request = {
        name: name.trim(),
        description: description.trim() === '' ? null : description.trim(),
        settings: parsed.settings,
        targets: [...targets],
      }
      if (kept === null) return api.configurations.create(request)
      return api.configurations.update(kept.id, { ...request, unchanged_since: since })
    },
    onSuccess: (now) => {
      say('good', 'The configuration is kept.')
      queries.setQueryData(['builds', 'configurations', now.id], now)
      showKept(now)
      void queries.invalidateQueries({ queryKey: ['builds'] })
      if (kept !== null) return
      forgetDraft(form)
      void navigate({ to: '/templates/configurations/$id', params: { id: String(now.id) } })
    },
    onError: (error) => {
      if (isStatus(error, 409)) void queries.invalidateQueries({ queryKey: ['builds'] })
    },
  })
  const editable = may('configurations:manage')
  const problems = save.isError ? problemsOf(save.error) : []
  const at = (...paths: readonly string[]) => textOf(problems, paths)
  const elsewhere = save.isError && (problems.length === 0 || at('') !== undefined)
  return (
    <Page title={kept?.name ?? 'New configuration'}>
      <p>
        <Link to="/templates">All templates and configurations</Link>
      </p>
      {isOlder && kept !== null && (
        <ChangedNotice
          what="configuration"
          onShow={() => {
            showKept(kept)
            save.reset()
          }}
          onGoOn={() => {
            goOn()
            save.reset()
          }}
        />
      )}
      <Form onSubmit={() => save.mutate()}>
        <Card title="Settings">
          <div className={styles.fields}>
            <Field label="Name" problem={at('/name')}>
              {(control) => (
                <input
                  {...control}
                  required
                  readOnly={!editable}
                  dir="auto"
                  maxLength={100}
                  value={name}
                  onChange={(event) => onType(setName)(event.target.value)}
                />
              )}
            </Field>
            <Field label="Description" problem={at('/description')}>
              {(control) => (
                <input
                  {...control}
                  readOnly={!editable}
                  dir="auto"
                  maxLength={2000}
                  value={description}
                  onChange={(event) => onType(setDescription)(event.target.value)}
                />
              )}
            </Field>
            <Field
              label="Keys and values"
              hint="As JSON. In json, yaml and toml a.b is a key below another; {{parameter}} is replaced by its value."
              problem={parsed.problem ?? at('/settings')}
            >
              {(control) => (
                <textarea
                  {...control}
                  rows={12}
                  readOnly={!editable}
                  spellCheck={false}
                  value={text}
                  onChange={(event) => onType(setText)(event.target.value)}
                />
              )}
            </Field>
          </div>
        </Card>
        <Targets
          targets={targets}
          editable={editable}
          problemAt={(index, part) => at(`/targets/${index}/${part}`)}
          onChange={onType(setTargets)}
        />
        {elsewhere && (
          <Notice tone="bad" title="It was not kept">
            <p>{messageOf(save.error)}</p>
          </Notice>
        )}
        {editable && (
          <FormActions>
            <Button
              type="submit"
              tone="primary"
              busy={save.isPending}
              disabled={parsed.problem !== null}
            >
              Save
            </Button>
          </FormActions>
        )}
      </Form>
      {kept !== null && <ConfigurationUsage configuration={kept} editable={editable} />}
    </Page>
  )
}

/** What is said of these places and of those below them. */
function textOf(problems: readonly Problem[], paths: readonly string[]): string | undefined {
  const said = problems.flatMap(({ path, message }) =>
    paths.flatMap((place) => {
      if (path === place) return [message]
      return place !== '' && path.startsWith(`${place}/`)
        ? [`${path.slice(place.length + 1)} ${message}`]
        : []
    }),
  )
  return said.length === 0 ? undefined : said.join('; ')
}
