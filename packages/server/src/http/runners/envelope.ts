import type { AnswerMetadata } from '@slipway/contract/runner-answers'

/** What every answer of the family says of itself. */
export function metadataOf({ version }: { version: string }): AnswerMetadata {
  return { timestamp: new Date().toISOString(), version }
}

/** Puts data into the family's envelope. */
export function answerWith<Data>(
  deps: { version: string },
  data: Data,
): { success: true; data: Data; metadata: AnswerMetadata } {
  return { success: true, data, metadata: metadataOf(deps) }
}
