import type { AssetType } from '@slipway/contract/branding'
import { AppError } from '../../errors.ts'
import { targetPathProblem } from '../check-target-path.ts'
import { agrees, type ContentKind, kindOfName, kindOfType } from './content-kinds.ts'
import { type Content, judgeContent } from './judge-content.ts'

const images = [
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'image/svg+xml',
] as const
/** What an asset of each type may be; null: anything. */
const allowedKinds: Readonly<Record<AssetType, readonly ContentKind[] | null>> = {
  logo: images,
  favicon: ['image/x-icon', 'image/png', 'image/svg+xml', 'image/gif'],
  theme: ['text/css', 'application/json'],
  manifest: ['application/json'],
  other: null,
}

export interface Problem {
  path: string
  message: string
}

/** What an asset says of itself. */
export interface AssetClaims {
  assetType: AssetType
  fileName: string
  targetPath: string
  /** Of the upload; null: it says nothing. */
  contentType: string | null
}

/** Judges a file that has come, and what is said of it: its type, or all that is wrong. */
export async function judgeAsset(
  content: Content,
  claims: AssetClaims,
): Promise<{ contentType: string; problems: Problem[] }> {
  const claimed = claimsOf(claims)
  const wanted = new Set(claimed.map(({ kind }) => kind))
  if (claims.assetType === 'theme' && wanted.size === 0) wanted.add('text/css')
  const { kind, why } = await judgeContent(content, wanted)
  const problems = kindProblems(kind, claims, why)
  return { contentType: shownType(kind, claims.assetType), problems }
}

/** Judges what is said anew of an asset whose bytes were found to be of `contentType`. */
export function judgeChange(
  contentType: string,
  claims: AssetClaims,
): { contentType: string; problems: Problem[] } {
  const kind = (kindOfType(contentType) ?? 'application/octet-stream') as ContentKind
  return {
    contentType: shownType(kind, claims.assetType),
    problems: kindProblems(kind, claims, null),
  }
}

function kindProblems(kind: ContentKind, claims: AssetClaims, why: string | null): Problem[] {
  const problems: Problem[] = []
  const target = targetPathProblem(claims.targetPath)
  if (target !== null) problems.push({ path: '/target_path', message: target })
  const reason = why === null ? '' : ` (it ${why})`
  for (const claim of claimsOf(claims)) {
    if (agrees(kind, claim.kind)) continue
    const message = `${claim.how} ${claim.kind}, and its bytes are ${kind}${reason}`
    problems.push({ path: claim.path, message })
  }
  const allowed = allowedKinds[claims.assetType]
  if (allowed !== null && !allowed.includes(kind)) {
    const message = `is ${claims.assetType}, for which the file may be ${allowed.join(', ')}; its bytes are ${kind}${reason}`
    problems.push({ path: '/asset_type', message })
  }
  return problems
}

function claimsOf({ fileName, targetPath, contentType }: AssetClaims) {
  const named = (path: string, name: string) => ({
    path,
    how: 'is by its name',
    kind: kindOfName(name),
  })
  const declared = contentType === null ? null : kindOfType(contentType)
  const all = [
    named('/file', fileName),
    named('/target_path', targetPath),
    { path: '/file', how: 'was sent as', kind: declared },
  ]
  return all.flatMap(({ kind, ...claim }) => (kind === null ? [] : [{ ...claim, kind }]))
}

/** The media type of a kind where it is put. */
function shownType(kind: ContentKind, type: AssetType): string {
  return type === 'manifest' && kind === 'application/json' ? 'application/manifest+json' : kind
}

/** Refuses a request with all that is wrong: `invalid_request`. */
export function refuse(problems: readonly Problem[], what = 'body'): void {
  const [first] = problems
  if (first === undefined) return
  throw new AppError(
    'invalid_request',
    `The ${what} is not valid: ${first.path} ${first.message}`,
    {
      problems,
    },
  )
}
