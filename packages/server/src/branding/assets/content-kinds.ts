/** What the bytes of a file were found to be. */
export type ContentKind =
  | 'image/png'
  | 'image/jpeg'
  | 'image/gif'
  | 'image/webp'
  | 'image/avif'
  | 'image/x-icon'
  | 'image/svg+xml'
  | 'font/woff'
  | 'font/woff2'
  | 'font/ttf'
  | 'font/otf'
  | 'application/pdf'
  | 'application/json'
  | 'text/css'
  | 'text/plain'
  | 'application/octet-stream'

/** What a file name says of its file; what is not here says nothing. */
const ofExtension: Readonly<Record<string, ContentKind>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  avif: 'image/avif',
  ico: 'image/x-icon',
  svg: 'image/svg+xml',
  woff: 'font/woff',
  woff2: 'font/woff2',
  ttf: 'font/ttf',
  otf: 'font/otf',
  pdf: 'application/pdf',
  json: 'application/json',
  webmanifest: 'application/json',
  css: 'text/css',
  txt: 'text/plain',
  md: 'text/plain',
  html: 'text/plain',
  htm: 'text/plain',
  js: 'text/plain',
  mjs: 'text/plain',
  xml: 'text/plain',
}

/** Other names of the same. */
const aliases: Readonly<Record<string, ContentKind>> = {
  'image/jpg': 'image/jpeg',
  'image/vnd.microsoft.icon': 'image/x-icon',
  'image/ico': 'image/x-icon',
  'image/svg': 'image/svg+xml',
  'application/font-woff': 'font/woff',
  'application/font-woff2': 'font/woff2',
  'application/manifest+json': 'application/json',
  'application/javascript': 'text/plain',
  'application/xml': 'text/plain',
}

/** The kind that a name claims by its extension; null: none. */
export function kindOfName(name: string): ContentKind | null {
  const extension = /\.([A-Za-z0-9]+)$/.exec(name)?.[1]?.toLowerCase() ?? ''
  return Object.hasOwn(ofExtension, extension) ? (ofExtension[extension] ?? null) : null
}

/**
 * The kind that a `Content-Type` claims; null: none. One that nobody can judge, such as
 * `image/bmp`, is answered as it is.
 */
export function kindOfType(contentType: string): string | null {
  const [type = ''] = contentType.toLowerCase().split(';', 1)
  const plain = type.trim()
  if (plain === '' || plain === 'application/octet-stream') return null
  if (Object.hasOwn(aliases, plain)) return aliases[plain] ?? null
  if (/^(image|font)\//.test(plain)) return plain
  if (plain === 'application/json' || plain === 'application/pdf' || plain === 'text/css')
    return plain
  return plain.startsWith('text/') ? 'text/plain' : null
}

/** Whether bytes found to be `found` are what was claimed. Whatever is text is text. */
export function agrees(found: ContentKind, claimed: string): boolean {
  if (claimed !== 'text/plain') return found === claimed
  return isTextKind(found)
}

function isTextKind(kind: ContentKind): boolean {
  return kind.startsWith('text/') || kind === 'application/json' || kind === 'image/svg+xml'
}
