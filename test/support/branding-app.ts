import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrandingAsset, BrandingTemplate } from '@slipway/contract/branding'
import type { LightMyRequestResponse } from 'fastify'
import { pino } from 'pino'
import { createFilesystemObjectStore } from '../../packages/server/src/adapters/object-store/filesystem/filesystem-object-store.ts'
import { limitPreviews, type PreviewDeps } from '../../packages/server/src/branding/index.ts'
import { limitConcurrency } from '../../packages/server/src/events/index.ts'
import { createMirrors } from '../../packages/server/src/git/index.ts'
import type { HttpServerDeps } from '../../packages/server/src/http/app.ts'
import type { ObjectStore } from '../../packages/server/src/ports/object-store.ts'
import { openVault } from '../../packages/server/src/secrets/index.ts'
import { createTestApp, type TestApp } from './http.ts'

/** The application with the rooms of branding, configurations and repositories. */
export interface BrandingApp extends TestApp {
  readonly objects: ObjectStore
  /** Where its objects are. */
  readonly objectsDirectory: string
  /** Where previews are checked out. */
  readonly previewsDirectory: string
  /** Sends multipart/form-data: texts, and files by their parts. */
  upload(
    url: string,
    parts: Record<string, string | UploadedPart>,
    token?: string,
  ): Promise<LightMyRequestResponse>
  /** Makes a template. */
  template(body?: object): Promise<BrandingTemplate>
  /** Gives it an asset. */
  asset(templateId: number, over?: Partial<AssetParts>): Promise<BrandingAsset>
}

export interface UploadedPart {
  bytes: string | Buffer
  name: string
  type?: string
}

interface AssetParts {
  asset_type: string
  target_path: string
  file: UploadedPart
}

/** The smallest PNG there is. */
export const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

export const templatesPath = '/api/branding/templates'

export async function createBrandingApp(
  over: Partial<PreviewDeps> | ((root: string) => Partial<PreviewDeps>) = {},
): Promise<BrandingApp> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-branding-'))
  const objectsDirectory = join(root, 'objects')
  const previewsDirectory = join(root, 'previews')
  const log = pino({ level: 'silent' })
  const objects = createFilesystemObjectStore({ root: objectsDirectory, log })
  const builds = {} as HttpServerDeps['builds']
  const test = await createTestApp({ builds }, (db) => {
    const accessDirectory = join(root, 'access')
    const repositories = {
      db,
      vault: openVault([Buffer.alloc(32, 1)]),
      accessDirectory,
      allowFileRepositories: true,
      gitBaseUrl: 'https://github.com',
      defaultCredential: null,
    }
    Object.assign(builds, {
      repositories,
      configurations: { db },
      branding: {
        db,
        objects,
        oneByOne: limitConcurrency(1),
        repositories,
        mirrors: createMirrors({ directory: join(root, 'mirrors'), accessDirectory }),
        official: { name: 'acme/official', url: `file://${root}/official.git`, branch: 'main' },
        workDirectory: previewsDirectory,
        takePreviewTurn: limitPreviews(2),
        previewTimeoutMs: 60_000,
        ...(typeof over === 'function' ? over(root) : over),
      },
      signal: new AbortController().signal,
    })
    return {}
  })
  let serial = 0
  const app: BrandingApp = {
    ...test,
    objects,
    objectsDirectory,
    previewsDirectory,
    async upload(url, parts, token = test.token) {
      const { body, contentType } = await formOf(parts)
      return test.app.inject({
        method: 'POST',
        url,
        headers: { authorization: `Bearer ${token}`, 'content-type': contentType },
        payload: body,
      })
    },
    async template(body = {}) {
      const answer = await test.request('POST', templatesPath, {
        body: { name: `Template ${++serial}`, ...body },
      })
      if (answer.statusCode !== 201) throw new Error(answer.body)
      return answer.json<{ template: BrandingTemplate }>().template
    },
    async asset(templateId, parts = {}) {
      const answer = await app.upload(`${templatesPath}/${templateId}/assets`, {
        asset_type: 'logo',
        target_path: `static/logo-${++serial}.png`,
        file: { bytes: png, name: 'logo.png', type: 'image/png' },
        ...parts,
      })
      if (answer.statusCode !== 201) throw new Error(answer.body)
      return answer.json<{ asset: BrandingAsset }>().asset
    },
    async close() {
      await test.close()
      await rm(root, { recursive: true, force: true })
    },
  }
  return app
}

async function formOf(parts: Record<string, string | UploadedPart>) {
  const form = new FormData()
  for (const [name, part] of Object.entries(parts)) {
    if (typeof part === 'string') form.append(name, part)
    else {
      const bytes = new Uint8Array(Buffer.from(part.bytes as string))
      form.append(name, new Blob([bytes], { type: part.type ?? '' }), part.name)
    }
  }
  const message = new Response(form)
  return {
    body: Buffer.from(await message.arrayBuffer()),
    contentType: message.headers.get('content-type') ?? '',
  }
}
