import { AbortMultipartUploadCommand, type S3Client } from '@aws-sdk/client-s3'
import { expect, it } from 'vitest'
import type { Logger } from 'pino'
import { quietLog } from '../../../../../../test/support/quiet-log.ts'
import { startUploadSweeper } from './sweep-uploads.ts'

it('takes back what can be, though another upload never goes', async () => {
  const taken: (string | undefined)[] = []
  const client = {
    send(command: unknown) {
      const asked = command instanceof AbortMultipartUploadCommand ? command.input : null
      if (asked?.UploadId !== 'stuck') taken.push(asked?.UploadId)
      const refused = Object.assign(new Error('no'), { $metadata: { httpStatusCode: 403 } })
      return asked?.UploadId === 'stuck' ? Promise.reject(refused) : Promise.resolve({})
    },
  }
  const closing = new AbortController()
  const sweeper = startUploadSweeper(
    { client: client as unknown as S3Client, bucket: 'b', log: quietLog as unknown as Logger },
    {
      prefix: '',
      limits: { attemptMs: 1000, patienceMs: 0, signal: closing.signal },
      everyMs: 200,
    },
  )
  try {
    for (const uploadId of ['stuck', 'one', 'two']) sweeper.add({ key: 'k', uploadId })
    await expect.poll(() => taken, { timeout: 5000 }).toEqual(['one', 'two'])
  } finally {
    closing.abort()
    await sweeper.close()
  }
})
