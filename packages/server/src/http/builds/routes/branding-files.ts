import { TemplateResponse } from '@slipway/contract/branding'
import { IntegerId } from '@slipway/contract/credentials'
import { Text } from '@slipway/contract/fields'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import {
  exportTemplate,
  keepImport,
  receiveImport,
  templateFileBytes,
  templateFileType,
} from '../../../branding/index.ts'
import { AppError } from '../../../errors.ts'
import { sendAsAttachment } from '../attachment.ts'
import { readUpload } from '../read-upload.ts'
import { refusals } from '../refusals.ts'
import { takeUploads, uploadMark } from '../take-uploads.ts'
import type { BrandingRoutesDeps } from './branding.ts'

const Params = Type.Object({ id: IntegerId })
const success = true as const
const tags = ['Branding']
const nameLength = 100

const ImportTemplateRequest = Type.Object(
  {
    file: Type.String({
      contentMediaType: templateFileType,
      description: 'As `GET /api/branding/templates/{id}/export` answers it.',
    }),
    name: Type.Optional(
      Text({ minLength: 1, maxLength: nameLength, description: 'Default: the name in the file.' }),
    ),
  },
  { $id: 'ImportBrandingTemplateRequest', [uploadMark]: true },
)

/** Branding templates as files, to be kept and to be taken to another server. */
export function brandingFileRoutes(deps: BrandingRoutesDeps): FastifyPluginAsync {
  const { branding, signal } = deps
  return async (app) => {
    await takeUploads(app)

    app.get<{ Params: { id: number } }>(
      '/branding/templates/:id/export',
      {
        schema: {
          operationId: 'exportBrandingTemplate',
          tags,
          summary: 'Export a branding template',
          description: 'As one file with its assets: a tar archive, compressed with gzip.',
          params: Params,
          response: {
            200: {
              description: 'The file, as an attachment.',
              content: { [templateFileType]: { schema: Type.String() } },
            },
          },
        },
      },
      async ({ principal, params }, reply) => {
        const { fileName, body } = await exportTemplate(branding, { principal, id: params.id })
        const file = { name: fileName, contentType: templateFileType }
        return sendAsAttachment(reply, file).send(body)
      },
    )

    app.post(
      '/branding/templates/import',
      {
        schema: {
          operationId: 'importBrandingTemplate',
          tags,
          summary: 'Import a branding template',
          description: 'What is in the file is judged as if it were sent piece by piece.',
          consumes: ['multipart/form-data'],
          body: ImportTemplateRequest,
          response: {
            201: TemplateResponse,
            ...refusals({
              409: 'There is a branding template with this name already, or two assets have one target path.',
              413: 'The file is too large, or holds more than a template may.',
              415: 'The body is not multipart/form-data.',
            }),
          },
        },
      },
      async (request, reply) => {
        const { principal } = request
        const upload = await readUpload(request, {
          fields: ['name'],
          maxFileBytes: templateFileBytes,
          take: ({ body }) => receiveImport(branding, { principal, body }, signal),
          drop: (taken) => taken.discard(),
        })
        try {
          const name = upload.fields.get('name')
          refuseName(name)
          if (upload.file === null) throw refusal('/file', 'is missing')
          const { received } = upload.file
          void reply.code(201)
          return { success, template: await keepImport(branding, { principal, received, name }) }
        } catch (error) {
          await upload.file?.discard()
          throw error
        }
      },
    )
  }
}

function refuseName(name: string | undefined): void {
  if (name === undefined) return
  if (name.length === 0 || name.length > nameLength) {
    throw refusal('/name', `must have 1 to ${nameLength} characters`)
  }
}

function refusal(path: string, message: string): AppError {
  return new AppError('invalid_request', `The body is not valid: ${path} ${message}`, {
    problems: [{ path, message }],
  })
}
