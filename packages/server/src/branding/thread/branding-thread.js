// Looks through trees in a thread of its own, so that no pattern and no large file holds up the
// server. It is JavaScript, not TypeScript, because a thread starts from a file: this way the same
// files serve from src/ and from dist/.
import { parentPort } from 'node:worker_threads'
import { checkRules } from './compile-rules.js'
import { RewriteError } from './rewrite-text.js'
import { rewriteTree } from './rewrite-tree.js'

/** @import { ThreadMessage, ThreadQuestion } from './messages.ts' */

/** @type {(message: ThreadMessage | { kind: 'failed', message: string }) => void} */
const tell = (message) => parentPort?.postMessage(message)

parentPort?.on('message', (/** @type {ThreadQuestion} */ question) => {
  try {
    if (question.kind === 'check') tell({ kind: 'checked', problems: checkRules(question.rules) })
    else tell({ kind: 'rewritten', result: rewriteTree(question, tell) })
  } catch (error) {
    if (!(error instanceof RewriteError)) throw error
    tell({ kind: 'failed', message: error.message })
  }
})
