import { Readable } from 'node:stream'
import type { GitHub, ReleaseAsset } from '../../../ports/github.ts'
import type { GitHubCalls } from './call-github.ts'
import { expectId, expectList, expectText, NonsenseAnswer } from './expect.ts'

type AssetCalls = Pick<GitHub, 'listReleaseAssets' | 'uploadReleaseAsset' | 'deleteReleaseAsset'>

const pageSize = 100
const mostPages = 10

export function releaseAssetCalls({ apiUrl, call }: GitHubCalls): AssetCalls {
  return {
    async listReleaseAssets(repository, releaseId, signal) {
      const about = { repository, what: `Assets of release ${releaseId}`, signal }
      const assets: ReleaseAsset[] = []
      for (let page = 1; page <= mostPages; page++) {
        const found = await call(about, async (request, at) => {
          const { data } = await request('GET /repos/{owner}/{repo}/releases/{release_id}/assets', {
            ...at,
            release_id: releaseId,
            per_page: pageSize,
            page,
          })
          return expectList(data).map(toAsset)
        })
        assets.push(...found)
        if (found.length < pageSize) break
      }
      return assets
    },
    uploadReleaseAsset(repository, { release, name, mediaType, size, open }, signal) {
      const about = { repository, what: `Upload of ${name}`, signal, upload: true }
      return call(about, async (request) => {
        const url = uploadUrl(apiUrl, release.uploadUrl)
        const content = open()
        try {
          const { data } = await request({
            method: 'POST',
            // With `{?name,label}` at its end (RFC 6570).
            url,
            name,
            headers: { 'content-type': mediaType, 'content-length': size },
            data: Readable.toWeb(content),
            // Else fetch keeps the whole of it, to send it again elsewhere; and our token goes there only.
            request: { redirect: 'error' },
          })
          return toAsset(data as Asset)
        } finally {
          content.destroy()
        }
      })
    },
    async deleteReleaseAsset(repository, assetId, signal) {
      const about = { repository, what: `Asset ${assetId}`, signal, absent: [404] }
      await call(about, async (request, at) => {
        await request('DELETE /repos/{owner}/{repo}/releases/assets/{asset_id}', {
          ...at,
          asset_id: assetId,
        })
      })
    },
  }
}

/** Our token goes there: never in the clear where the API is not. */
function uploadUrl(apiUrl: string, template: string): string {
  const plain = template.replace(/\{.*$/, '')
  const isUrl = URL.canParse(plain) && /^https?:$/.test(new URL(plain).protocol)
  if (isUrl && (plain.startsWith('https:') || apiUrl.startsWith('http:'))) return template
  throw new NonsenseAnswer('a release that takes no uploads')
}

interface Asset {
  id: number
  name: string
  size: number
  state: string
  digest?: string | null
  browser_download_url: string
}

function toAsset(data: Asset): ReleaseAsset {
  return {
    id: expectId(data),
    name: expectText(data.name),
    size: data.size,
    uploaded: data.state === 'uploaded',
    digest: data.digest ?? null,
    url: expectText(data.browser_download_url),
  }
}
