import { AssetType, CreateTemplateRequest, TargetPath } from '@slipway/contract/branding'
import { brandingLimits } from '@slipway/contract/vocabulary'
import { Text } from '@slipway/contract/fields'
import Type, { type Static } from 'typebox'
import Value from 'typebox/value'
import { AppError } from '../errors.ts'

/**
 * A template as one file: a tar archive, compressed with gzip, of `template.json`, which comes first,
 * and the assets that it lists, in its order.
 */
export const templateFileType = 'application/gzip'
export const manifestName = 'template.json'
export const templateFormat = 'slipway-branding-template'

/** Bytes that a manifest may have. */
export const manifestBytes = 4 * 1024 * 1024
/** Bytes that the whole file may have as it is sent: what it may hold, and what surrounds it. */
export const templateFileBytes = brandingLimits.templateBytes + manifestBytes + 1024 * 1024

const Manifest = Type.Object(
  {
    format: Type.Literal(templateFormat),
    version: Type.Literal(1),
    template: CreateTemplateRequest,
    assets: Type.Array(
      Type.Object(
        {
          file: Type.String({ pattern: '^assets/[0-9]{1,3}$' }),
          file_name: Text({ minLength: 1, maxLength: 255 }),
          asset_type: AssetType,
          target_path: TargetPath,
          size_bytes: Type.Integer({ minimum: 0, maximum: brandingLimits.assetBytes }),
          sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
        },
        { additionalProperties: false },
      ),
      { maxItems: brandingLimits.assets },
    ),
  },
  { additionalProperties: false },
)
export type Manifest = Static<typeof Manifest>

/** The manifest of an import: checked as input is, with every problem at once. */
export function parseManifest(bytes: Buffer): Manifest {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString())
  } catch {
    throw refused([{ path: '', message: 'is not valid JSON' }])
  }
  if (Value.Check(Manifest, value)) return value
  const problems = [...Value.Errors(Manifest, value)].map(({ instancePath, message }) => ({
    path: instancePath,
    message,
  }))
  throw refused(problems.slice(0, 100))
}

function refused(problems: readonly { path: string; message: string }[]): AppError {
  const [first] = problems
  return new AppError(
    'invalid_request',
    `${manifestName} is not valid: ${`${first?.path} ${first?.message}`.trim()}`,
    { problems },
  )
}
