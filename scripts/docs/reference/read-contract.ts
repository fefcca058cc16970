import { pino } from 'pino'
import { type HttpServerDeps, createHttpServer } from '../../../packages/server/src/http/app.ts'

/** The OpenAPI document that a server answers `GET /openapi.json` with, without a server's rooms. */
export async function readContract(): Promise<ApiDocument> {
  const signal = new AbortController().signal
  // Routes are only described, never called.
  const nothing = { signal } as unknown
  const app = await createHttpServer({
    ...(nothing as HttpServerDeps),
    log: pino({ level: 'silent' }),
    version: '0.0.0',
    trustProxy: false,
    oci: nothing as HttpServerDeps['oci'],
    builds: nothing as HttpServerDeps['builds'],
    runners: nothing as HttpServerDeps['runners'],
    status: nothing as HttpServerDeps['status'],
    platform: nothing as HttpServerDeps['platform'],
  })
  try {
    return app.swagger() as unknown as ApiDocument
  } finally {
    await app.close()
  }
}

/** What of the document the pages of the reference are made from. */
export interface ApiDocument {
  tags: { name: string; description: string }[]
  paths: Record<string, Record<string, ApiOperation>>
  components: { schemas: Record<string, ApiSchema> }
}

export interface ApiOperation {
  operationId: string
  summary: string
  description?: string
  tags: string[]
  security: Record<string, unknown>[]
  parameters?: ApiParameter[]
  requestBody?: { required?: boolean; content: Record<string, { schema: ApiSchema }> }
  responses: Record<string, ApiAnswer>
}

export interface ApiParameter {
  name: string
  in: 'path' | 'query' | 'header' | 'cookie'
  required?: boolean
  description?: string
  schema: ApiSchema
}

export interface ApiAnswer {
  description: string
  content?: Record<string, { schema: ApiSchema }>
}

/** JSON Schema as the contract uses it. */
export interface ApiSchema {
  $ref?: string
  type?: string | string[]
  description?: string
  enum?: unknown[]
  const?: unknown
  default?: unknown
  examples?: unknown[]
  format?: string
  pattern?: string
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  exclusiveMaximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  uniqueItems?: boolean
  minProperties?: number
  maxProperties?: number
  /** Of every element, or of each one in its place. */
  items?: ApiSchema | ApiSchema[]
  properties?: Record<string, ApiSchema>
  required?: string[]
  additionalProperties?: boolean | ApiSchema
  patternProperties?: Record<string, ApiSchema>
  anyOf?: ApiSchema[]
  oneOf?: ApiSchema[]
  allOf?: ApiSchema[]
  not?: ApiSchema
  if?: ApiSchema
  then?: ApiSchema
  else?: ApiSchema
}
