import { applyBucketLifecycle, bucketLifecycle } from '../compose/open-object-store.ts'
import { AppError, StartupError } from '../errors.ts'
import { readArguments, type ReadCommand, UsageError } from './command.ts'

/** `storage lifecycle --print|--apply`: the rules by which the bucket deletes by itself. */
export const readStorage: ReadCommand = (args) => {
  const { flags, values } = readArguments(args, { flags: ['print', 'apply'], names: ['lifecycle'] })
  if (values[0] !== 'lifecycle') throw new UsageError(`storage cannot ${values[0]}.`)
  if (flags.size !== 1) throw new UsageError('storage lifecycle wants either --print or --apply.')
  return async ({ config, log, write, signal }) => {
    const { s3 } = config
    if (s3 === null) {
      throw new StartupError('S3_BUCKET: is needed: files in the data directory have no rules')
    }
    if (flags.has('print')) {
      const rules = await bucketLifecycle({ ...config, s3 })
      write(`${JSON.stringify({ Rules: rules }, null, 2)}\n`)
      return
    }
    try {
      const changed = await applyBucketLifecycle({ ...config, s3 }, signal)
      log.info({ bucket: s3.bucket, changed }, 'the bucket has its lifecycle rules')
    } catch (error) {
      if (error instanceof AppError) throw new StartupError(error.message, { cause: error })
      throw error
    }
  }
}
