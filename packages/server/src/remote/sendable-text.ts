import { workerLimits } from '@slipway/contract/worker-api'

/** A text as the API takes it: well-formed, without NUL, and not longer than an error's may be. */
export function sendableText(text: string, length: number = workerLimits.errorLength): string {
  return text.slice(0, length).replaceAll(/[\0\p{Surrogate}]/gu, '\ufffd')
}
