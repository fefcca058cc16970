/** Shorter values are not masked: they would garble every log and are guessed at once anyway. */
const minSecretBytes = 4

/** Longer needles are cut into pieces, which bounds what a masker may have to hold back. */
const maxNeedleBytes = 512

/** Bytes of a needle that may stand before a tolerated line break without that break being tolerated. */
export const wrapLead = 4

/** One byte sequence that must not be printed. */
export interface Needle {
  bytes: Buffer
  /** Made of base64 or hex characters, so that tools print it folded into lines. */
  wraps: boolean
}

/**
 * Everything that gives a secret away: as it is; each line of it; escaped for JSON, a URL, a form or
 * a shell; in hex; in base64 at each of the three alignments it can have inside a longer text, and
 * whole with its padding. Values under 4 bytes, and lines under 4 bytes of longer values, are left out.
 */
export function secretNeedles(secrets: readonly string[]): Needle[] {
  const found = new Map<string, Needle>()
  const add = (bytes: Buffer, wraps: boolean) => {
    for (const piece of cut(bytes)) {
      addPiece(found, piece, wraps)
      // What follows a break so early in the needle that the masker does not look across it.
      if (wraps) addPiece(found, piece.subarray(wrapLead - 1), true)
    }
  }
  for (const secret of secrets) {
    // Lone surrogates would make the URL encoder throw.
    const value = Buffer.from(secret).toString().trim()
    if (Buffer.byteLength(value) < minSecretBytes) continue
    for (const part of textParts(value)) {
      for (const form of textForms(part)) add(Buffer.from(form), false)
    }
    for (const form of encodedForms(value, secret)) add(Buffer.from(form, 'latin1'), true)
  }
  return [...found.values()]
}

function addPiece(found: Map<string, Needle>, bytes: Buffer, wraps: boolean) {
  if (bytes.length < minSecretBytes) return
  const id = bytes.toString('latin1')
  const same = found.get(id)
  if (same === undefined) found.set(id, { bytes, wraps })
  else same.wraps ||= wraps
}

function cut(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at + maxNeedleBytes < bytes.length; at += maxNeedleBytes) {
    pieces.push(bytes.subarray(at, at + maxNeedleBytes))
  }
  pieces.push(bytes.subarray(Math.max(0, bytes.length - maxNeedleBytes)))
  return pieces
}

/** The value and, when it has several lines, each of them and the whole with either kind of line end. */
function textParts(value: string): string[] {
  const lines = value.split(/\r?\n/)
  if (lines.length === 1) return [value]
  const isLong = (line: string) => Buffer.byteLength(line.trim()) >= minSecretBytes
  const long = lines.map((line) => line.trim()).filter(isLong)
  // Short lines at either end (a JSON file's braces) stay out, else every `{` would be held back.
  const first = Math.max(0, lines.findIndex(isLong))
  const last = lines.findLastIndex(isLong)
  const whole = lines.slice(first, last < 0 ? undefined : last + 1)
  const core = (end: string) => whole.join(end).trim()
  return [...long, core('\n'), core('\r\n')]
}

function textForms(value: string): Set<string> {
  const once = jsonForms(value)
  return new Set([
    value,
    ...once,
    ...once.flatMap(jsonForms),
    value.replaceAll("'", String.raw`'\''`),
    ...urlForms(value),
  ])
}

function jsonForms(value: string): string[] {
  const plain = JSON.stringify(value).slice(1, -1)
  const htmlSafe = plain.replace(/[<>&]/g, unicodeEscape)
  const ascii = (text: string) => text.replace(/[^\0-\x7f]/g, unicodeEscape)
  return [plain, ascii(plain), htmlSafe, ascii(htmlSafe), plain.replaceAll('/', String.raw`\/`)]
}

function unicodeEscape(unit: string): string {
  return String.raw`\u` + unit.charCodeAt(0).toString(16).padStart(4, '0')
}

function urlForms(value: string): string[] {
  const component = encodeURIComponent(value)
  const strict = component.replace(
    /[!'()*]/g,
    (char) => '%' + char.charCodeAt(0).toString(16).toUpperCase(),
  )
  const url = new URL('http://host')
  url.password = value
  const forms = [
    component,
    strict,
    strict.replaceAll('%20', '+'),
    strict.replaceAll('%2F', '/'),
    new URLSearchParams([['', value]]).toString().slice(1),
    encodeURI(value),
    url.password,
  ]
  return [
    ...forms,
    ...forms.map((form) => form.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase())),
  ]
}

function encodedForms(value: string, asGiven: string): string[] {
  const bytes = Buffer.from(value)
  const base64 = [
    ...[value, `${value}\n`, asGiven].flatMap((text) => {
      const padded = Buffer.from(text).toString('base64')
      return [padded, padded.replace(/=+$/, '')]
    }),
    ...[0, 1, 2].map((lead) => base64Inside(bytes, lead)),
  ]
  const hex = bytes.toString('hex')
  const urlSafe = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))
  return [...base64, ...urlSafe, hex, hex.toUpperCase()]
}

/** The base64 characters that depend on `bytes` alone when `lead` (mod 3) others come before them. */
function base64Inside(bytes: Buffer, lead: number): string {
  const encoded = Buffer.concat([Buffer.alloc(lead), bytes]).toString('base64')
  return encoded.slice(Math.ceil((lead * 8) / 6), Math.floor(((lead + bytes.length) * 8) / 6))
}
