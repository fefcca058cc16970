import { useMutation, useQueryClient } from '@tanstack/react-query'
import { AssetType, type BrandingTemplate } from '@slipway/contract/branding'
import { useState } from 'react'
import { api, messageOf } from '../../api/client.ts'
import { formatBytes } from '../../format/numbers.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { ConfirmButton } from '../../ui/confirm-button.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, FormActions } from '../../ui/form.tsx'
import { Empty } from '../../ui/notice.tsx'
import { Table } from '../../ui/table.tsx'
import { useToast } from '../../ui/toast.tsx'

/** Files that are copied into the repository. */
export function Assets({ template, editable }: { template: BrandingTemplate; editable: boolean }) {
  const say = useToast()
  const queries = useQueryClient()
  const [file, setFile] = useState<File | null>(null)
  const [path, setPath] = useState('')
  const [type, setType] = useState<AssetType>('logo')
  const reload = () => void queries.invalidateQueries({ queryKey: ['builds'] })
  const add = useMutation({
    mutationFn: (content: File) =>
      api.branding.addAsset(template.id, {
        type,
        targetPath: path.trim(),
        fileName: content.name,
        content,
      }),
    onSuccess: reload,
  })
  const remove = useMutation({
    mutationFn: (id: number) => api.branding.deleteAsset(template.id, id),
    onError: (error) => say('bad', messageOf(error)),
    onSettled: reload,
  })
  return (
    <Card title="Files">
      {template.assets.length === 0 ? (
        <Empty title="No file is copied in." />
      ) : (
        <Table
          label="Files"
          rows={template.assets}
          keyOf={(asset) => String(asset.id)}
          columns={[
            { title: 'To', cell: (asset) => <code>{asset.target_path}</code> },
            { title: 'For', cell: (asset) => asset.asset_type },
            { title: 'From', cell: (asset) => <span dir="auto">{asset.file_name}</span> },
            { title: 'Size', cell: (asset) => formatBytes(asset.size_bytes), align: 'end' },
            {
              title: 'Change',
              align: 'end',
              cell: (asset) =>
                editable && (
                  <ConfirmButton
                    label="Delete"
                    title={`Delete ${asset.target_path}?`}
                    onConfirm={() => remove.mutate(asset.id)}
                  >
                    Builds with this template keep what the repository has there.
                  </ConfirmButton>
                ),
            },
          ]}
        />
      )}
      {editable && (
        <Form
          onSubmit={() => {
            if (file !== null) add.mutate(file)
          }}
        >
          <Field label="File" problem={add.isError ? messageOf(add.error) : undefined}>
            {(control) => (
              <input
                {...control}
                type="file"
                required
                onChange={({ target }) => setFile(target.files?.[0] ?? null)}
              />
            )}
          </Field>
          <Field label="Where it is put" hint="As static/logo.png.">
            {(control) => (
              <input
                {...control}
                required
                maxLength={500}
                value={path}
                onChange={(event) => setPath(event.target.value)}
              />
            )}
          </Field>
          <Field label="What it is for">
            {(control) => (
              <select
                {...control}
                value={type}
                onChange={({ target }) =>
                  setType(AssetType.enum.find((one) => one === target.value) ?? 'other')
                }
              >
                {AssetType.enum.map((one) => (
                  <option key={one}>{one}</option>
                ))}
              </select>
            )}
          </Field>
          <FormActions>
            <Button type="submit" busy={add.isPending}>
              Add the file
            </Button>
          </FormActions>
        </Form>
      )}
    </Card>
  )
}
