import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { BrandingRule, BrandingTemplate } from '@slipway/contract/branding'
import { useState } from 'react'
import { api, messageOf } from '../../api/client.ts'
import { QueryPage } from '../../app/query-page.tsx'
import { useMay } from '../../session/session.ts'
import { forgetDraft, useDraft } from '../../session/drafts.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
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
  const { id } = route.useParams()
  const template = useQuery({
    queryKey: ['builds', 'template', id],
    queryFn: ({ signal }) => api.branding.get(Number(id), { signal }),
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
  // What somebody else has kept replaces what is here only where nothing has been typed over it.
  const [known, setKnown] = useState(template)
  if (known.updated_at !== template.updated_at) {
    setKnown(template)
    if (name === known.name) setName(template.name)
    if (brand === (known.brand_name ?? '')) setBrand(template.brand_name ?? '')
    if (JSON.stringify(rules) === JSON.stringify(known.replacement_rules)) {
      setRules(template.replacement_rules)
    }
  }
  const save = useMutation({
    mutationFn: () =>
      api.branding.update(template.id, {
        name: name.trim(),
        brand_name: brand.trim() === '' ? null : brand.trim(),
        replacement_rules: [...rules],
      }),
    onSuccess: (kept) => {
      setRules(kept.replacement_rules)
      forgetDraft(form)
      say('good', 'The template is kept.')
      void queries.invalidateQueries({ queryKey: ['builds'] })
    },
  })
  const editable = may('branding:manage')
  return (
    <Page title={template.name}>
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
                  onChange={(event) => setName(event.target.value)}
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
                  onChange={(event) => setBrand(event.target.value)}
                />
              )}
            </Field>
          </div>
        </Card>
        <Rules rules={rules} editable={editable} onChange={setRules} />
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
