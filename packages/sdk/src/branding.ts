import type {
  AssetType,
  BrandingAsset,
  BrandingPreview,
  BrandingTemplate,
  CreateTemplateRequest,
  ListAssetsResponse,
  ListTemplatesQuery,
  ListTemplatesResponse,
  PreviewRequest,
  UpdateAssetRequest,
  UpdateTemplateRequest,
} from '@slipway/contract/branding'
import { downloadFile, type DownloadOptions, type FileDownload } from './download-file.ts'
import type { CallOptions, RequestInput, Transport } from './transport.ts'

/** What builds are dressed in: replacements in text files, and files that are copied in. */
export interface BrandingApi {
  list(query?: ListTemplatesQuery, options?: CallOptions): Promise<ListTemplatesResponse>
  get(id: number, options?: CallOptions): Promise<BrandingTemplate>
  create(request: CreateTemplateRequest, options?: CallOptions): Promise<BrandingTemplate>
  update(
    id: number,
    request: UpdateTemplateRequest,
    options?: CallOptions,
  ): Promise<BrandingTemplate>
  delete(id: number, options?: CallOptions): Promise<void>
  /** A copy with its assets; without a name, the server finds one. */
  duplicate(id: number, name?: string, options?: CallOptions): Promise<BrandingTemplate>
  /** The template with its assets as one file, which `import` takes. */
  export(id: number, options?: CallOptions): Promise<FileDownload>
  /** Under the name in the file, or another one. */
  import(file: Blob, name?: string, options?: CallOptions): Promise<BrandingTemplate>
  /** What it would do to a repository; nothing is changed anywhere. */
  preview(id: number, request?: PreviewRequest, options?: CallOptions): Promise<BrandingPreview>
  assets(id: number, options?: CallOptions): Promise<BrandingAsset[]>
  asset(id: number, assetId: number, options?: CallOptions): Promise<BrandingAsset>
  /** Opens the file of an asset. */
  downloadAsset(id: number, assetId: number, options?: DownloadOptions): Promise<FileDownload>
  /** A conflict where another asset has the target path. */
  addAsset(id: number, asset: NewAsset, options?: CallOptions): Promise<BrandingAsset>
  updateAsset(
    id: number,
    assetId: number,
    request: UpdateAssetRequest,
    options?: CallOptions,
  ): Promise<BrandingAsset>
  deleteAsset(id: number, assetId: number, options?: CallOptions): Promise<void>
}

export interface NewAsset {
  type: AssetType
  /** Where it is put in the repository. */
  targetPath: string
  fileName: string
  content: Blob
}

export function brandingApi(transport: Transport): BrandingApi {
  const root = 'api/branding/templates'
  const one = async (input: RequestInput) =>
    ((await transport.json(input)) as { template: BrandingTemplate }).template
  const asset = async (input: RequestInput) =>
    ((await transport.json(input)) as { asset: BrandingAsset }).asset
  const post = (path: string, body: unknown, signal: AbortSignal | undefined) =>
    ({ method: 'POST', path: `${root}${path}`, body, signal }) as const
  return {
    list: async (query = {}, { signal } = {}) =>
      (await transport.json({ path: root, query: { ...query }, signal })) as ListTemplatesResponse,
    get: (id, { signal } = {}) => one({ path: `${root}/${id}`, signal }),
    create: (request, { signal } = {}) => one(post('', request, signal)),
    update: (id, request, { signal } = {}) =>
      one({ method: 'PUT', path: `${root}/${id}`, body: request, signal }),
    async delete(id, { signal } = {}) {
      await transport.json({ method: 'DELETE', path: `${root}/${id}`, signal })
    },
    duplicate: (id, name, { signal } = {}) =>
      one(post(`/${id}/duplicate`, name === undefined ? {} : { name }, signal)),
    export: (id, options = {}) => downloadFile(transport, `${root}/${id}/export`, options),
    import(file, name, { signal } = {}) {
      const form = new FormData()
      if (name !== undefined) form.set('name', name)
      form.set('file', file, 'template')
      return one({ method: 'POST', path: `${root}/import`, form, signal })
    },
    async preview(id, request = {}, { signal } = {}) {
      const input = { ...post(`/${id}/preview`, request, signal), isRepeatable: true }
      const answer = await transport.json(input)
      return (answer as { preview: BrandingPreview }).preview
    },
    async assets(id, { signal } = {}) {
      const answer = await transport.json({ path: `${root}/${id}/assets`, signal })
      return (answer as ListAssetsResponse).assets
    },
    asset: (id, assetId, { signal } = {}) =>
      asset({ path: `${root}/${id}/assets/${assetId}`, signal }),
    downloadAsset: (id, assetId, options = {}) =>
      downloadFile(transport, `${root}/${id}/assets/${assetId}/content`, options),
    addAsset(id, { type, targetPath, fileName, content }, { signal } = {}) {
      const form = new FormData()
      form.set('asset_type', type)
      form.set('target_path', targetPath)
      form.set('file', content, fileName)
      return asset({ method: 'POST', path: `${root}/${id}/assets`, form, signal })
    },
    updateAsset: (id, assetId, request, { signal } = {}) =>
      asset({ method: 'PUT', path: `${root}/${id}/assets/${assetId}`, body: request, signal }),
    async deleteAsset(id, assetId, { signal } = {}) {
      await transport.json({ method: 'DELETE', path: `${root}/${id}/assets/${assetId}`, signal })
    },
  }
}
