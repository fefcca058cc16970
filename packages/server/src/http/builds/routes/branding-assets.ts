import {
  AssetResponse,
  AssetType,
  ListAssetsResponse,
  TargetPath,
  UpdateAssetRequest,
} from '@slipway/contract/branding'
import { brandingLimits } from '@slipway/contract/vocabulary'
import { DoneResponse, IntegerId } from '@slipway/contract/credentials'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import Value from 'typebox/value'
import {
  deleteAsset,
  getAsset,
  keepAsset,
  listAssets,
  openAsset,
  receiveAsset,
  updateAsset,
} from '../../../branding/index.ts'
import { AppError } from '../../../errors.ts'
import { sendAsAttachment } from '../attachment.ts'
import { readUpload, type Upload } from '../read-upload.ts'
import { refusals } from '../refusals.ts'
import { takeUploads, uploadMark } from '../take-uploads.ts'
import type { BrandingRoutesDeps } from './branding.ts'

const TemplateParams = Type.Object({ id: IntegerId })
type TemplateParams = { id: number }
const AssetParams = Type.Object({ id: IntegerId, asset_id: IntegerId })
type AssetParams = { id: number; asset_id: number }
const success = true as const
const tags = ['Branding']

const UploadAssetRequest = Type.Object(
  {
    asset_type: AssetType,
    target_path: TargetPath,
    file: Type.String({
      contentMediaType: 'application/octet-stream',
      description: `At most ${brandingLimits.assetBytes} bytes.`,
    }),
  },
  { $id: 'UploadBrandingAssetRequest', [uploadMark]: true },
)

/** `/api/branding/templates/{id}/assets`: files that a template puts into a repository. */
export function brandingAssetRoutes(deps: BrandingRoutesDeps): FastifyPluginAsync {
  const { branding } = deps
  return async (app) => {
    await takeUploads(app)

    app.get<{ Params: TemplateParams }>(
      '/branding/templates/:id/assets',
      {
        schema: {
          operationId: 'listBrandingAssets',
          tags,
          summary: 'List the assets of a branding template',
          params: TemplateParams,
          response: { 200: ListAssetsResponse },
        },
      },
      async ({ principal, params }) => {
        const assets = await listAssets(branding, { principal, templateId: params.id })
        return { success, assets, count: assets.length }
      },
    )

    app.post<{ Params: TemplateParams }>(
      '/branding/templates/:id/assets',
      {
        schema: {
          operationId: 'uploadBrandingAsset',
          tags,
          summary: 'Give a branding template an asset',
          description: `What the file is, its bytes say: one that is not what its name, its \`Content-Type\` and its \`asset_type\` have it be is refused. A template has at most ${brandingLimits.assets} assets, of ${brandingLimits.templateBytes} bytes together.`,
          consumes: ['multipart/form-data'],
          params: TemplateParams,
          body: UploadAssetRequest,
          response: {
            201: AssetResponse,
            ...refusals({
              409: 'The template has an asset for this target path already.',
              413: 'The file is too large, or the template has too many.',
              415: 'The body is not multipart/form-data.',
            }),
          },
        },
      },
      async (request, reply) => {
        const { principal, params } = request
        const templateId = params.id
        const upload = await readUpload(request, {
          fields: ['asset_type', 'target_path'],
          maxFileBytes: brandingLimits.assetBytes,
          take: ({ body }) => receiveAsset(branding, { principal, templateId, body }),
          drop: (taken) => taken.discard(),
        })
        try {
          const { file, claims } = readClaims(upload)
          const input = { principal, templateId, file: file.file, claims }
          void reply.code(201)
          return { success, asset: await keepAsset(branding, input) }
        } catch (error) {
          await upload.file?.discard()
          throw error
        }
      },
    )

    app.get<{ Params: AssetParams }>(
      '/branding/templates/:id/assets/:asset_id',
      {
        schema: {
          operationId: 'getBrandingAsset',
          tags,
          summary: 'Show an asset',
          params: AssetParams,
          response: { 200: AssetResponse },
        },
      },
      async ({ principal, params }) => ({
        success,
        asset: await getAsset(branding, { principal, ...which(params) }),
      }),
    )

    app.put<{ Params: AssetParams; Body: UpdateAssetRequest }>(
      '/branding/templates/:id/assets/:asset_id',
      {
        schema: {
          operationId: 'updateBrandingAsset',
          tags,
          summary: 'Put an asset elsewhere',
          params: AssetParams,
          body: UpdateAssetRequest,
          response: {
            200: AssetResponse,
            ...refusals({ 409: 'The template has an asset for this target path already.' }),
          },
        },
      },
      async ({ principal, params, body }) => {
        const input = { principal, ...which(params), request: body }
        return { success, asset: await updateAsset(branding, input) }
      },
    )

    app.delete<{ Params: AssetParams }>(
      '/branding/templates/:id/assets/:asset_id',
      {
        schema: {
          operationId: 'deleteBrandingAsset',
          tags,
          summary: 'Delete an asset',
          params: AssetParams,
          response: { 200: DoneResponse },
        },
      },
      async ({ principal, params }) => {
        await deleteAsset(branding, { principal, ...which(params) })
        return { success, message: `Branding asset ${params.asset_id} is deleted` }
      },
    )

    app.get<{ Params: AssetParams }>(
      '/branding/templates/:id/assets/:asset_id/content',
      {
        schema: {
          operationId: 'downloadBrandingAsset',
          tags,
          summary: 'Download an asset',
          params: AssetParams,
          response: {
            200: {
              description: 'The file, as an attachment.',
              content: { 'application/octet-stream': { schema: Type.String() } },
            },
          },
        },
      },
      async ({ principal, params }, reply) => {
        const { asset, body } = await openAsset(branding, { principal, ...which(params) })
        const { file_name: name, content_type, size_bytes: sizeBytes, sha256 } = asset
        const contentType = content_type.startsWith('text/')
          ? `${content_type}; charset=utf-8`
          : content_type
        return sendAsAttachment(reply, { name, contentType, sizeBytes, sha256 }).send(body)
      },
    )
  }
}

function which({ id, asset_id }: AssetParams): { templateId: number; assetId: number } {
  return { templateId: id, assetId: asset_id }
}

/** What an upload says of its file; all that is missing or wrong at once. */
function readClaims<T>({ fields, file, fileName, contentType }: Upload<T>) {
  const assetType = fields.get('asset_type')
  const targetPath = fields.get('target_path')
  const problems: { path: string; message: string }[] = []
  const judge = (path: string, problem: string | null) => {
    if (problem !== null) problems.push({ path, message: problem })
  }
  judge('/file', file === null ? 'is missing' : fileNameProblem(fileName))
  judge('/target_path', targetPath === undefined ? 'is missing' : null)
  if (targetPath !== undefined && !Value.Check(TargetPath, targetPath)) {
    judge('/target_path', 'must have 1 to 500 characters')
  }
  const isType = Value.Check(AssetType, assetType)
  if (!isType) {
    const allowed = `must be one of ${AssetType.enum.join(', ')}`
    judge('/asset_type', assetType === undefined ? 'is missing' : allowed)
  }
  const [first] = problems
  if (first !== undefined || file === null || !isType || targetPath === undefined) {
    const message = `The body is not valid: ${first?.path} ${first?.message}`
    throw new AppError('invalid_request', message, { problems })
  }
  return { file, claims: { assetType, targetPath, fileName, contentType } }
}

function fileNameProblem(name: string): string | null {
  if (name === '') return 'has no name'
  if (name.length > 255) return 'has a name that is too long'
  return /\p{Cc}/u.test(name) ? 'has a name with control characters' : null
}
