import { AppError } from '../errors.ts'
import { isDigest } from './references.ts'
import { isImageType, isIndexType, maxManifestBytes } from './media-types.ts'

/** Names content: OCI Image Specification 1.1, "Content Descriptors". */
export interface Descriptor {
  mediaType: string
  digest: string
  /** Bytes. */
  size: number
  annotations?: Readonly<Record<string, string>>
  artifactType?: string
  platform?: Readonly<Record<string, unknown>>
}

/** What a manifest says of what it needs and is. */
export interface ParsedManifest {
  mediaType: string
  /** The type of an artifact: `artifactType`, else the config's media type. */
  artifactType: string | null
  annotations: Readonly<Record<string, string>>
  subject: Descriptor | null
  /** Blobs that must be there: config and layers, without those that no registry may hand on. */
  blobs: readonly Descriptor[]
  /** Manifests that must be there: those of an index. */
  manifests: readonly Descriptor[]
}

/** Layers, or manifests of an index. */
const maxDescriptors = 2_000

/**
 * Reads an image manifest or index, OCI's or Docker's. AppError `invalid_request` names every problem.
 */
export function parseManifest(input: { mediaType: string; content: Buffer }): ParsedManifest {
  const { mediaType, content } = input
  if (!isImageType(mediaType) && !isIndexType(mediaType)) {
    refuse([{ path: '', message: `the media type ${shown(mediaType)} is not a manifest's` }])
  }
  if (content.length > maxManifestBytes) {
    refuse([{ path: '', message: `it is larger than ${maxManifestBytes} bytes` }])
  }
  const problems: Problem[] = []
  const root = parseObject(content)
  if (root === null) refuse([{ path: '', message: 'it is not a JSON object' }])
  if (root['schemaVersion'] !== 2) problems.push({ path: '/schemaVersion', message: 'must be 2' })
  if (root['mediaType'] !== undefined && root['mediaType'] !== mediaType) {
    problems.push({ path: '/mediaType', message: `must be ${mediaType}, as it was pushed` })
  }
  const read = (value: unknown, path: string) => readDescriptor(value, path, problems)
  const readAll = (key: string) => {
    const value = root[key]
    if (!Array.isArray(value) || value.length > maxDescriptors) {
      problems.push({ path: `/${key}`, message: `must be a list of at most ${maxDescriptors}` })
      return []
    }
    return value.flatMap((item, index) => read(item, `/${key}/${index}`) ?? [])
  }
  const isIndex = isIndexType(mediaType)
  const config = isIndex ? null : read(root['config'], '/config')
  const layers = isIndex ? [] : readAll('layers')
  const manifests = isIndex ? readAll('manifests') : []
  const subject = root['subject'] === undefined ? null : read(root['subject'], '/subject')
  const artifactType = root['artifactType']
  if (artifactType !== undefined && typeof artifactType !== 'string') {
    problems.push({ path: '/artifactType', message: 'must be a text' })
  }
  const annotations = readAnnotations(root['annotations'], '/annotations', problems)
  if (problems.length > 0) refuse(problems)
  return {
    mediaType,
    artifactType: typeof artifactType === 'string' ? artifactType : (config?.mediaType ?? null),
    annotations,
    subject,
    blobs: (config === null ? layers : [config, ...layers]).filter((blob) => !isForeign(blob)),
    manifests,
  }
}

/** A layer that is fetched from where its `urls` say, as some vendors' licences have it. */
function isForeign({ mediaType }: Descriptor): boolean {
  return /\.(?:foreign|nondistributable)\./.test(mediaType)
}

interface Problem {
  path: string
  message: string
}

function refuse(problems: readonly Problem[]): never {
  const [first] = problems
  const rest = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
  const where = first === undefined || first.path === '' ? '' : `${first.path} `
  throw new AppError(
    'invalid_request',
    `The manifest is not valid: ${where}${first?.message}${rest}`,
    { problems: problems.slice(0, 100) },
  )
}

/** JSON of an object, or null; a fatal decoder, since bytes that are not UTF-8 would be changed. */
export function parseObject(content: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content))
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readDescriptor(value: unknown, path: string, problems: Problem[]): Descriptor | null {
  if (!isObject(value)) {
    problems.push({ path, message: 'must be a descriptor' })
    return null
  }
  const { mediaType, digest, size, artifactType, platform } = value
  const wrong: Problem[] = []
  if (typeof mediaType !== 'string' || mediaType === '') {
    wrong.push({ path: `${path}/mediaType`, message: 'must be a media type' })
  }
  if (typeof digest !== 'string' || !isDigest(digest)) {
    wrong.push({ path: `${path}/digest`, message: 'must be sha256: and 64 hexadecimal digits' })
  }
  if (!Number.isSafeInteger(size) || (size as number) < 0) {
    wrong.push({ path: `${path}/size`, message: 'must be a number of bytes' })
  }
  problems.push(...wrong)
  if (wrong.length > 0) return null
  const annotations = readAnnotations(value['annotations'], `${path}/annotations`, problems)
  return {
    mediaType: mediaType as string,
    digest: digest as string,
    size: size as number,
    ...(value['annotations'] === undefined ? {} : { annotations }),
    ...(typeof artifactType === 'string' ? { artifactType } : {}),
    ...(isObject(platform) ? { platform } : {}),
  }
}

function readAnnotations(
  value: unknown,
  path: string,
  problems: Problem[],
): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {}
  if (isObject(value) && Object.values(value).every((text) => typeof text === 'string')) {
    return value as Record<string, string>
  }
  problems.push({ path, message: 'must be texts by their names' })
  return {}
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}
