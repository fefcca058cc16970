import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { BrandingPreview, PreviewRequest } from '@slipway/contract/branding'
import { requireUnlimited } from '../access/index.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { ThreadFailure } from './ask-thread.ts'
import { type CheckedOut, checkOutSource } from './check-out-source.ts'
import { checkRules, toRuleText } from './check-rules.ts'
import type { PreviewDeps } from './deps.ts'
import { planAsset } from './place-assets.ts'
import { toBranding } from './read-branding.ts'
import { rewriteFiles } from './rewrite-files.ts'
import { type AssetRow, assetsOf, findTemplate, things } from './template-rows.ts'

/** Bytes of differences that are shown, of one file and of all. */
const shown = { bytesPerFile: 64 * 1024, bytes: 1024 * 1024 }

/**
 * Says what a template, or rules that are in none yet, would do to a commit of a repository, and
 * changes nothing. Refuses (`unavailable`) where too many run at once or it takes too long.
 */
export async function previewBranding(
  deps: PreviewDeps,
  input: { principal: Principal; id: number; request: PreviewRequest },
  signal: AbortSignal,
): Promise<BrandingPreview> {
  const { principal, id, request } = input
  requireUnlimited(principal, things)
  const row = await findTemplate(deps.db, id)
  const assets = await assetsOf(deps.db, [id])
  if (request.replacement_rules !== undefined) {
    await checkRules(deps, request.replacement_rules, signal)
  }
  const stored = toBranding(row, assets)
  const branding = {
    brandName: request.brand_name === undefined ? stored.brandName : request.brand_name,
    rules: request.replacement_rules?.map(toRuleText) ?? stored.rules,
  }
  const deadline = AbortSignal.timeout(deps.previewTimeoutMs)
  const stopping = AbortSignal.any([signal, deadline])
  const source = {
    principal,
    repositoryId: request.repository_id ?? null,
    ref: request.ref ?? null,
  }
  try {
    return await deps.takePreviewTurn(() =>
      checkOutSource(deps, source, stopping, (tree) =>
        look({ tree, branding, assets, request }, stopping),
      ),
    )
  } catch (error) {
    if (error instanceof ThreadFailure) throw new AppError('invalid_request', error.message)
    if (!deadline.aborted || signal.aborted) throw error
    throw new AppError(
      'unavailable',
      `The preview took longer than ${deps.previewTimeoutMs / 1000} s and was given up`,
    )
  }
}

async function look(
  input: {
    tree: CheckedOut
    branding: Parameters<typeof rewriteFiles>[0]['branding']
    assets: readonly AssetRow[]
    request: PreviewRequest
  },
  signal: AbortSignal,
): Promise<BrandingPreview> {
  const { tree, branding, assets, request } = input
  const { directory } = tree
  const given = Object.entries(request.variables ?? {})
  const { result, warnings } = await rewriteFiles(
    {
      directory,
      branding,
      variables: Object.fromEntries(given.map(([name, value]) => [name, String(value)])),
      scratch: null,
      show: { files: request.limit ?? 20, ...shown },
      progress: () => undefined,
    },
    signal,
  )
  const planned: BrandingPreview['assets'] = []
  for (const asset of assets) {
    const { target_path: targetPath, size_bytes: sizeBytes, sha256 } = asset
    const toPlace = {
      fileName: asset.file_name,
      targetPath,
      objectKey: asset.object_key,
      sizeBytes,
      sha256,
    }
    const { action, problem } = await planAsset({ directory, asset: toPlace }, signal)
    if (problem !== null) warnings.push(problem)
    planned.push({ id: asset.id, target_path: targetPath, size_bytes: sizeBytes, action })
  }
  const hasSubmodules = await access(join(directory, '.gitmodules')).then(
    () => true,
    () => false,
  )
  if (hasSubmodules) warnings.push('Submodules are branded in builds, and not part of a preview')
  return {
    repository: tree.repository,
    ref: tree.ref,
    commit_sha: tree.commitSha,
    files_scanned: result.scanned,
    files_changed: result.changed,
    replacements: result.replacements,
    files: result.files.map(({ path, replacements, diff = '', truncated = false }) => ({
      path,
      replacements,
      diff,
      truncated,
    })),
    truncated: result.changed > result.files.length,
    rules: result.rules.map((counts, index) => ({
      pattern: branding.rules[index]?.pattern ?? '',
      ...counts,
    })),
    assets: planned,
    warnings,
  }
}
