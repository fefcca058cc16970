import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { BrandingRule, BrandingTemplate } from '@slipway/contract/branding'
import { api, isStatus, messageOf } from '../../api/client.ts'
import { QueryPage } from '../../app/query-page.tsx'
import { useChangeOf } from '../../session/change-of.ts'
import { useDraft } from '../../session/drafts.ts'
import { useMay } from '../../session/session.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { ChangedNotice } from '../../ui/changed-notice.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, FormActions } from '../../ui/form.tsx'
import { Notice } from '../../ui/notice.tsx'
import { Page } from '../../ui/page.tsx'
import { useToast } from '../../ui/toast.tsx'
import { Assets } from './assets.tsx'
import { Preview } from './preview.tsx'
import { Rules } from './rules.tsx'
import styles from './template-page.module.css'

const route = getRouteApi('/inside/templates/$id')

/** One branding template: its rules and files, and what they would do to a repository. */
export function TemplatePage() {
  const { id: text } = route.useParams()
  const id = Number(text)
  const template = useQuery({
    queryKey: ['builds', 'template', id],
    queryFn: ({ signal }) => api.branding.get(id, { signal }),
  })
  return (
    <QueryPage title="Template" query={template}>
      {(data) => <TemplateView key={data.id} template={data} />}
    </QueryPage>
  )
}

function TemplateView({ template }: { template: BrandingTemplate }) {
  const may = useMay()
  const say = useToast()
  const queries = useQueryClient()
  const form = `template-${template.id}`
  const [name, setName] = useDraft(form, 'name', template.name)
  const [brand, setBrand] = useDraft(form, 'brand', template.brand_name ?? '')
  const [rules, setRules] = useDraft<readonly BrandingRule[]>(
    form,
    'rules',
    template.replacement_rules,
  )
  const { since, isOlder, onType, showKept, goOn } = useChangeOf({
    form,
    kept: template,
    isTyped: (known) =>
      name !== known.name ||
      brand !== (known.brand_name ?? '') ||
      JSON.stringify(rules) !== JSON.stringify(known.replacement_rules),
    show: (now) => {
      setName(now.name)
      setBrand(now.brand_name ?? '')
      setRules(now.replacement_rules)
    },
  })
  const save = useMutation({
    mutationFn: () =>
      api.branding.update(template.id, {
        name: name.trim(),
        brand_name: brand.trim() === '' ? null : brand.trim(),
        replacement_rules: [...rules],
        unchanged_since: since,
      }),
    onSuccess: (now) => {
      say('good', 'The template is kept.')
      queries.setQueryData(['builds', 'template', now.id], now)
      showKept(now)
      void queries.invalidateQueries({ queryKey: ['builds'] })
    },
    onError: (error) => {
      if (isStatus(error, 409)) void queries.invalidateQueries({ queryKey: ['builds'] })
    },
  })
  const editable = may('branding:manage')
  return (
    <Page title={template.name}>
      {isOlder && (
        <ChangedNotice
          what="template"
          onShow={() => {
            showKept(template)
            save.reset()
          }}
          onGoOn={() => {
            goOn()
            save.reset()
          }}
        />
      )}
      <Form onSubmit={() => save.mutate()}>
        <Card title="Names">
          <div className={styles.names}>
            <Field label="Name">
              {(control) => (
                <input
                  {...control}
                  required
                  readOnly={!editable}
                  maxLength={100}
                  value={name}
                  onChange={(event) => onType(setName)(event.target.value)}
                />
              )}
            </Field>
            <Field label="Brand" hint="What {{brand_name}} is.">
              {(control) => (
                <input
                  {...control}
                  readOnly={!editable}
                  maxLength={200}
                  value={brand}
                  onChange={(event) => onType(setBrand)(event.target.value)}
                />
              )}
            </Field>
          </div>
        </Card>
        <Rules rules={rules} editable={editable} onChange={onType(setRules)} />
        {save.isError && (
          <Notice tone="bad" title="It was not kept">
            <p>{messageOf(save.error)}</p>
          </Notice>
        )}
        {editable && (
          <FormActions>
            <Button type="submit" tone="primary" busy={save.isPending}>
              Save
            </Button>
          </FormActions>
        )}
      </Form>
      <Preview templateId={template.id} rules={rules} brand={brand} />
      <Assets template={template} editable={editable} />
    </Page>
  )
}
