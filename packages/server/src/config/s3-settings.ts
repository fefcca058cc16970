import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { boolean, InvalidValue, type Parse, publicUrl } from './parse.ts'
import { absent, present, type ValuesOf } from './setting.ts'

const bucketName: Parse<string> = (text) => {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/.test(text)) return text
  throw new InvalidValue('is no name of a bucket: 3 to 63 letters, digits, dots and hyphens')
}

const regionName: Parse<string> = (text) => {
  if (/^[A-Za-z0-9-]{1,64}$/.test(text)) return text
  throw new InvalidValue('is no region such as us-east-1')
}

/** An address without a path: the bucket's name is put behind or before it. */
const endpoint: Parse<string> = (text) => {
  const url = publicUrl(text)
  if (new URL(url).pathname === '/') return url
  throw new InvalidValue(
    'must have no path: the bucket is named by S3_BUCKET, a folder by S3_PREFIX',
  )
}

/** Segments of keys, ending in `/`. */
const keyPrefix: Parse<string> = (text) => {
  const path = text.replace(/^\/+|\/+$/g, '')
  const segments = path.split('/')
  const isPath = segments.every(
    (segment) => /^[A-Za-z0-9._@+=-]{1,200}$/.test(segment) && segment !== '.' && segment !== '..',
  )
  if (isPath && path.length <= 400) return `${path}/`
  throw new InvalidValue('is no path of letters, digits and . _ @ + = - between slashes')
}

const accessKey: Parse<string> = (text) => {
  if (/^[\u0021-\u007e]{1,256}$/.test(text)) return text
  throw new InvalidValue('may only hold printable ASCII characters, without spaces')
}

/** A file of certificates; it is read at once, so that a wrong one is told of at the start. */
const certificateFile: Parse<string> = (text) => {
  const path = resolve(text)
  try {
    new X509Certificate(readFileSync(path))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    const why =
      code.startsWith('E') && !code.startsWith('ERR')
        ? `cannot be read: ${code}`
        : 'holds no certificate'
    throw new InvalidValue(`the file ${JSON.stringify(text)} ${why}`)
  }
  return path
}

/** Settings of the object storage; part of `settings`. */
export const s3Settings = {
  S3_BUCKET: absent({
    description:
      'Bucket of S3, or of what speaks its protocol, that keeps logs, files of builds and artifacts. It must exist.',
    default: null,
    defaultNote: 'files in the data directory',
    parse: bucketName,
  }),
  S3_ENDPOINT: absent({
    description:
      'Address of the object storage, for others than AWS, e.g. `https://minio.example.com:9000`.',
    default: null,
    defaultNote: 'AWS',
    parse: endpoint,
  }),
  S3_REGION: present({
    description: 'Region of the bucket.',
    default: 'us-east-1',
    parse: regionName,
  }),
  S3_ACCESS_KEY_ID: absent({
    description: 'Id of the access key.',
    default: null,
    defaultNote:
      'what AWS’s SDK finds: its variables and files, the role of the machine or the pod',
    parse: accessKey,
  }),
  S3_SECRET_ACCESS_KEY: absent({
    description: 'The access key’s secret.',
    default: null,
    secret: true,
    parse: accessKey,
  }),
  S3_FORCE_PATH_STYLE: absent({
    description:
      'Whether the bucket is named in the path of addresses, and not in the host’s name.',
    default: null,
    defaultNote: '`true` with `S3_ENDPOINT`, else `false`',
    parse: boolean,
  }),
  S3_PREFIX: absent({
    description: 'What the keys of all objects begin with, so that a bucket can be shared.',
    default: null,
    defaultNote: 'none',
    parse: keyPrefix,
  }),
  S3_CA: absent({
    description: 'File of certificates (PEM) that are believed besides the well-known ones.',
    default: null,
    parse: certificateFile,
  }),
  S3_LINKS: present({
    description:
      'Whether `logs_url` leads on to the object storage once a log is there; otherwise it is read through the server. Clients must reach the object storage then.',
    default: 'true',
    parse: boolean,
  }),
  S3_PUBLIC_ENDPOINT: absent({
    description:
      'Address at which clients reach the object storage, where it is another than the server’s.',
    default: null,
    defaultNote: '`S3_ENDPOINT`',
    parse: endpoint,
  }),
  S3_APPLY_LIFECYCLE: present({
    description:
      'Whether the start of the server gives the bucket the rules that `slipway-server storage lifecycle` shows. Rules of others stay.',
    default: 'false',
    parse: boolean,
  }),
}

/** Where objects are kept, if not in the data directory. */
export interface S3Config {
  /** Null: AWS. */
  endpoint: string | null
  /** Null: the same. */
  publicEndpoint: string | null
  bucket: string
  region: string
  /** Null: what AWS's SDK finds. */
  keys: { accessKeyId: string; secretAccessKey: string } | null
  forcePathStyle: boolean
  /** Empty, or ending in `/`. */
  prefix: string
  /** Absolute. */
  caPath: string | null
  /** Whether links to objects are given out. */
  links: boolean
  /** Whether the bucket gets its lifecycle rules at the start. */
  applyLifecycle: boolean
}

/** What is wrong with these settings together. What was refused is undefined: that is told already. */
export function s3Problems(values: ValuesOf<typeof s3Settings>): string[] {
  const problems: string[] = []
  const { S3_ACCESS_KEY_ID: id, S3_SECRET_ACCESS_KEY: secret } = values
  if (typeof id === 'string' && secret === null) {
    problems.push('S3_SECRET_ACCESS_KEY: is needed by S3_ACCESS_KEY_ID')
  }
  if (typeof secret === 'string' && id === null) {
    problems.push('S3_ACCESS_KEY_ID: is needed by S3_SECRET_ACCESS_KEY')
  }
  if (values.S3_BUCKET === null) {
    for (const name of Object.keys(s3Settings) as (keyof typeof s3Settings)[]) {
      const isGiven = s3Settings[name].default === null && typeof values[name] === 'string'
      if (isGiven) problems.push(`${name}: has no meaning without S3_BUCKET`)
    }
    if (values.S3_APPLY_LIFECYCLE) {
      problems.push('S3_APPLY_LIFECYCLE: has no meaning without S3_BUCKET')
    }
  }
  return problems
}

export function toS3(values: ValuesOf<typeof s3Settings>): S3Config | null {
  const { S3_BUCKET: bucket, S3_ENDPOINT: at } = values
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = values
  if (bucket === null) return null
  return {
    endpoint: at,
    publicEndpoint: values.S3_PUBLIC_ENDPOINT,
    bucket,
    region: values.S3_REGION,
    keys:
      accessKeyId === null || secretAccessKey === null ? null : { accessKeyId, secretAccessKey },
    forcePathStyle: values.S3_FORCE_PATH_STYLE ?? at !== null,
    prefix: values.S3_PREFIX ?? '',
    caPath: values.S3_CA,
    links: values.S3_LINKS,
    applyLifecycle: values.S3_APPLY_LIFECYCLE,
  }
}
