import multipart from '@fastify/multipart'
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify'

/**
 * Has the routes of a part take multipart/form-data, which they read by `readUpload`. The schema of
 * such a body is for people: what comes is judged as it is read.
 */
export async function takeUploads(app: FastifyInstance): Promise<void> {
  await app.register(multipart)
  const compile = app.validatorCompiler as FastifySchemaCompiler<object>
  app.setValidatorCompiler<object>((route) =>
    route.httpPart === 'body' && isUpload(route.schema) ? () => true : compile(route),
  )
}

/** Marks a schema as that of an upload. */
export const uploadMark = 'x-upload'

function isUpload(schema: object): boolean {
  return uploadMark in schema
}
