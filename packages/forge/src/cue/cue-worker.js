// Evaluates CUE in a thread of its own, one message at a time. It is JavaScript, not TypeScript,
// because a thread starts from a file: this way the same file serves from src/ and from dist/.
import { parentPort } from 'node:worker_threads'
import { init } from 'cue-wasm'
import { limitWasmMemory } from './limit-wasm-memory.js'

/** @import { WorkerReply } from './evaluator.ts' */

const memoryBytes = 256 * 1024 * 1024
const outputCharacters = 4 * 1024 * 1024

const instantiate = WebAssembly.instantiate
// cue-wasm gives no way to bound its memory, and a worker's resourceLimits do not count WebAssembly's.
Object.defineProperty(WebAssembly, 'instantiate', {
  value: (/** @type {Uint8Array<ArrayBuffer>} */ bytes, /** @type {WasmImports} */ imports) =>
    instantiate.call(WebAssembly, limitWasmMemory(bytes, memoryBytes), imports),
})

const cue = await init()

/** @type {(source: string) => WorkerReply} */
function evaluate(source) {
  try {
    const result = cue.toJSONImpl(source)
    if (result === undefined) return { kind: 'broken', message: 'needs too much memory' }
    if (result.error) return { kind: 'error', message: String(result.error) }
    if (result.value.length <= outputCharacters) return { kind: 'value', json: result.value }
    return { kind: 'error', message: 'expands to more than 4 MiB of JSON' }
  } catch {
    return { kind: 'broken', message: 'is nested too deeply or needs too much memory' }
  }
}

parentPort?.on('message', (/** @type {string} */ source) => {
  parentPort?.postMessage(evaluate(source))
})
parentPort?.postMessage({ kind: 'ready' })
