import type { CueEvaluator } from './cue/evaluator.ts'
import { rewriteArtifacts } from './cue/rewrite-artifacts.ts'
import type { ForgeFile } from './forge-files.ts'
import { limits } from './limits.ts'
import type { ParsedDocument } from './parsed-document.ts'
import { readJson } from './read-json.ts'
import { readYaml } from './read-yaml.ts'

/**
 * Decodes and parses a configuration file's bytes. `cue` gives the evaluator, which is
 * started only for a CUE file. What is wrong with the bytes is a value.
 */
export async function readForgeFile(
  file: ForgeFile,
  bytes: Buffer,
  cue: () => CueEvaluator,
): Promise<ParsedDocument> {
  const maxBytes = file.format === 'yaml' ? limits.yamlBytes : limits.fileBytes
  if (bytes.length > maxBytes) {
    return refuse(`The file is larger than ${maxBytes / 1024} KiB.`)
  }
  const text = decode(bytes)
  if (text === null) return refuse('The file is not UTF-8 text.')
  if (text.trim() === '') return refuse('The file is empty. Write at least {} into it.')
  if (file.format === 'json') return readJson(text)
  if (file.format === 'cue') return readCue(text, cue())
  return readYaml(text)
}

async function readCue(text: string, cue: CueEvaluator): Promise<ParsedDocument> {
  if (text.includes('\0')) return refuse('The file contains a NUL character.')
  const { source, problems } = rewriteArtifacts(text)
  if (problems.length > 0) return { ok: false, problems }
  const outcome = await cue.evaluate(source)
  if (!outcome.ok) return { ok: false, problems: [outcome.problem] }
  const parsed = readJson(outcome.json)
  // Lines of the exported JSON are not those of the CUE file.
  if (parsed.ok) return { ...parsed, lineOf: () => undefined }
  return { ok: false, problems: parsed.problems.map(({ path, message }) => ({ path, message })) }
}

function decode(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

function refuse(message: string): ParsedDocument {
  return { ok: false, problems: [{ path: '', message }] }
}
