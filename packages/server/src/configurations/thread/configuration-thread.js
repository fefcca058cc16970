// Merges settings into one file in a thread of its own, so that no large file holds up the server. It
// is JavaScript, not TypeScript, because a thread starts from a file: this way the same files serve
// from src/ and from dist/.
import { parentPort } from 'node:worker_threads'
import { mergeEnv } from './merge-env.js'
import { mergeJson } from './merge-json.js'
import { mergeToml } from './merge-toml.js'
import { mergeYaml } from './merge-yaml.js'
import { Refusal } from './refusal.js'

/** @import { MergeMessage, MergeQuestion } from './messages.ts' */

const merges = { env: mergeEnv, json: mergeJson, yaml: mergeYaml, toml: mergeToml }

/** @type {(answer: MergeMessage['answer']) => void} */
const tell = (answer) => parentPort?.postMessage({ kind: 'answer', answer })

parentPort?.on('message', (/** @type {MergeQuestion} */ { format, text, leaves }) => {
  try {
    tell({ ok: true, merged: merges[format](text, leaves) })
  } catch (error) {
    // What recurses without end is the file: settings are nested no deeper than is allowed.
    const isDeep = error instanceof RangeError && /call stack/.test(error.message)
    if (!isDeep && !(error instanceof Refusal)) throw error
    tell({ ok: false, problem: isDeep ? 'is nested too deeply' : error.message })
  }
})
