import {
  CreateTemplateRequest,
  DuplicateTemplateRequest,
  ListTemplatesQuery,
  ListTemplatesResponse,
  PreviewRequest,
  PreviewResponse,
  TemplateResponse,
  UpdateTemplateRequest,
} from '@slipway/contract/branding'
import { DoneResponse, IntegerId } from '@slipway/contract/credentials'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import {
  createTemplate,
  deleteTemplate,
  duplicateTemplate,
  getTemplate,
  listTemplates,
  type PreviewDeps,
  previewBranding,
  updateTemplate,
} from '../../../branding/index.ts'
import { refusals } from '../refusals.ts'

export interface BrandingRoutesDeps {
  branding: PreviewDeps
  /** Aborts when the server stops. */
  signal: AbortSignal
}

const Params = Type.Object({ id: IntegerId })
type Params = { id: number }
const success = true as const
const tags = ['Branding']
const taken = { 409: 'There is a branding template with this name already.' }

/** `/api/branding/templates`: what a build is dressed in. */
export function brandingRoutes(deps: BrandingRoutesDeps): FastifyPluginAsync {
  const { branding, signal } = deps
  return async (app) => {
    app.get<{ Querystring: ListTemplatesQuery }>(
      '/branding/templates',
      {
        schema: {
          operationId: 'listBrandingTemplates',
          tags,
          summary: 'List the branding templates',
          querystring: ListTemplatesQuery,
          response: { 200: ListTemplatesResponse },
        },
      },
      async ({ principal, query }) => {
        const { name, archived = false, limit = 100, offset = 0 } = query
        const input = { principal, name, archived, limit, offset }
        return { success, ...(await listTemplates(branding, input)) }
      },
    )

    app.post<{ Body: CreateTemplateRequest }>(
      '/branding/templates',
      {
        schema: {
          operationId: 'createBrandingTemplate',
          tags,
          summary: 'Make a branding template',
          description:
            'Its rules are tried at once. Patterns are those of Rust’s regex crate, which takes time linear in a file whatever the pattern: as RE2, without look-around and back-references.',
          body: CreateTemplateRequest,
          response: { 201: TemplateResponse, ...refusals(taken) },
        },
      },
      async ({ principal, body }, reply) => {
        const template = await createTemplate(branding, { principal, request: body }, signal)
        return reply.code(201).send({ success, template })
      },
    )

    app.get<{ Params: Params }>(
      '/branding/templates/:id',
      {
        schema: {
          operationId: 'getBrandingTemplate',
          tags,
          summary: 'Show a branding template',
          params: Params,
          response: { 200: TemplateResponse },
        },
      },
      async ({ principal, params }) => ({
        success,
        template: await getTemplate(branding, { principal, id: params.id }),
      }),
    )

    app.put<{ Params: Params; Body: UpdateTemplateRequest }>(
      '/branding/templates/:id',
      {
        schema: {
          operationId: 'updateBrandingTemplate',
          tags,
          summary: 'Change a branding template',
          description: '`replacement_rules` replace the old ones as a whole.',
          params: Params,
          body: UpdateTemplateRequest,
          response: {
            200: TemplateResponse,
            ...refusals({ 409: `${taken[409].slice(0, -1)}, or it was changed since.` }),
          },
        },
      },
      async ({ principal, params, body }) => {
        const input = { principal, id: params.id, request: body }
        return { success, template: await updateTemplate(branding, input, signal) }
      },
    )

    app.delete<{ Params: Params }>(
      '/branding/templates/:id',
      {
        schema: {
          operationId: 'deleteBrandingTemplate',
          tags,
          summary: 'Delete a branding template',
          description: 'With its assets.',
          params: Params,
          response: {
            200: DoneResponse,
            ...refusals({ 409: 'A build refers to it, and it is not archived.' }),
          },
        },
      },
      async ({ principal, params }) => {
        await deleteTemplate(branding, { principal, id: params.id })
        return { success, message: `Branding template ${params.id} is deleted` }
      },
    )

    app.post<{ Params: Params; Body: DuplicateTemplateRequest }>(
      '/branding/templates/:id/duplicate',
      {
        schema: {
          operationId: 'duplicateBrandingTemplate',
          tags,
          summary: 'Copy a branding template',
          description: 'With its assets.',
          params: Params,
          body: DuplicateTemplateRequest,
          response: { 201: TemplateResponse, ...refusals(taken) },
        },
      },
      async ({ principal, params, body }, reply) => {
        const input = { principal, id: params.id, name: body?.name }
        const template = await duplicateTemplate(branding, input)
        return reply.code(201).send({ success, template })
      },
    )

    app.post<{ Params: Params; Body: PreviewRequest }>(
      '/branding/templates/:id/preview',
      {
        schema: {
          operationId: 'previewBranding',
          tags,
          summary: 'Try a branding template',
          description:
            'Says what it would do to a repository, as a unified diff of each file, and changes nothing. `replacement_rules` and `brand_name` are tried instead of its own.',
          params: Params,
          body: PreviewRequest,
          response: {
            200: PreviewResponse,
            ...refusals({
              503: 'The repository cannot be reached, too many previews run at once, or it took too long.',
            }),
          },
        },
      },
      async ({ principal, params, body, raw }) => {
        const gone = new AbortController()
        const onClose = () => gone.abort()
        raw.socket.once('close', onClose)
        try {
          const stopping = AbortSignal.any([signal, gone.signal])
          const input = { principal, id: params.id, request: body }
          return { success, preview: await previewBranding(branding, input, stopping) }
        } finally {
          raw.socket.off('close', onClose)
        }
      },
    )
  }
}
