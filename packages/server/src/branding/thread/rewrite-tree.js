import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { compileRules } from './compile-rules.js'
import { listFiles, nameOf, pathOf } from './list-files.js'
import { RewriteError, isText, rewriteText } from './rewrite-text.js'
import { showDifference } from './show-difference.js'

/** @import { RewriteQuestion, RewriteResult, ThreadMessage } from './messages.ts' */

/** Milliseconds between two messages of progress. */
const progressMs = 200
/** Files that were too large that are named. */
const namedFiles = 10

/**
 * Applies rules to the text files below a directory. Each file is changed at once or not at all; its
 * mode stays, and another name of it (a hard link) keeps what it had.
 * @param {RewriteQuestion} question
 * @param {(message: ThreadMessage) => void} tell
 * @returns {RewriteResult}
 */
export function rewriteTree(question, tell) {
  const { directory, scratch, show } = question
  const { rules, unknown } = compileRules(question.rules, question.variables)
  const indexed = rules.map((rule, index) => ({ rule, index }))
  const paths = listFiles(directory, question.maxFiles)
  /** @type {RewriteResult} */
  const result = {
    scanned: 0,
    files: [],
    changed: 0,
    replacements: 0,
    rules: rules.map(() => ({ replacements: 0, files: 0 })),
    tooLarge: { count: 0, some: [] },
    unknownVariables: unknown,
  }
  let shownBytes = 0
  let grown = 0
  let told = Date.now()
  for (const [done, path] of paths.entries()) {
    if (Date.now() - told >= progressMs) {
      told = Date.now()
      tell({ kind: 'progress', done, total: paths.length })
    }
    const name = nameOf(path)
    const meant = indexed.filter(({ rule }) => rule.appliesTo(name))
    if (meant.length === 0) continue
    const file = readFile(pathOf(directory, path), name, question.maxFileBytes)
    if (file === null) continue
    if (file.bytes === null) {
      result.tooLarge.count += 1
      if (result.tooLarge.some.length < namedFiles) result.tooLarge.some.push(name)
      continue
    }
    if (!isText(file.bytes)) continue
    result.scanned += 1
    const { bytes, counts } = rewriteFile(file.bytes, meant, question, { name, tell })
    if (counts.size === 0) continue
    let replacements = 0
    for (const [index, count] of counts) {
      const of = result.rules[index]
      if (of !== undefined) {
        of.replacements += count
        of.files += 1
      }
      replacements += count
    }
    result.replacements += replacements
    if (bytes.equals(file.bytes)) continue
    result.changed += 1
    grown += Math.max(0, bytes.length - file.bytes.length)
    if (grown > question.maxGrownTreeBytes) {
      const mebibytes = Math.floor(question.maxGrownTreeBytes / 1024 / 1024)
      throw new RewriteError(`The repository would grow by more than ${mebibytes} MiB`)
    }
    if (scratch !== null) writeFile({ directory, path, name, scratch }, bytes, file.mode)
    if (show === null) result.files.push({ path: name, replacements })
    else if (result.files.length < show.files) {
      const room = Math.min(show.bytesPerFile, show.bytes - shownBytes)
      const shown = showDifference(name, file.bytes.toString(), bytes.toString(), Math.max(0, room))
      shownBytes += Buffer.byteLength(shown.diff)
      result.files.push({ path: name, replacements, ...shown })
    }
  }
  return result
}

/**
 * @param {Buffer} bytes
 * @param {Parameters<typeof rewriteText>[1]} rules
 * @param {RewriteQuestion} question
 * @param {{ name: string, tell: (message: ThreadMessage) => void }} file
 */
function rewriteFile(bytes, rules, question, { name, tell }) {
  try {
    return rewriteText(bytes, rules, {
      maxBytes: question.maxGrownBytes,
      onLarge: (rule) => tell({ kind: 'at', path: name, rule }),
    })
  } catch (error) {
    if (error instanceof RewriteError) throw new RewriteError(`${name} ${error.message}`)
    throw new RewriteError(`${name} could not be looked through: a pattern needs too much memory`)
  }
}

/** Used again for each file, and made larger where one needs it. */
let buffer = Buffer.allocUnsafe(64 * 1024)

/**
 * The bytes, valid until the next file is read; null: it is no regular file any more. `bytes` are null
 * where it is too large.
 * @param {Buffer} path
 * @param {string} name
 * @param {number} maxBytes
 */
function readFile(path, name, maxBytes) {
  /** @type {number | null} */
  let file = null
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const { size, mode } = fstatSync(file)
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) return null
    if (size > maxBytes) return { bytes: null, mode }
    if (buffer.length < size) buffer = Buffer.allocUnsafe(size)
    let length = 0
    while (length < size) {
      const read = readSync(file, buffer, length, size - length, null)
      if (read === 0) break
      length += read
    }
    return { bytes: buffer.subarray(0, length), mode }
  } catch (error) {
    throw new RewriteError(`${name} can't be read: ${reasonOf(error)}`)
  } finally {
    if (file !== null) closeSync(file)
  }
}

/** Bits of modes that this process may give to a new file, as far as they were seen: others it masks. */
let unmasked = 0

/**
 * @param {{ directory: string, path: string, name: string, scratch: string }} place
 * @param {Buffer} bytes
 * @param {number} mode
 */
function writeFile({ directory, path, name, scratch }, bytes, mode) {
  try {
    const wanted = mode & 0o7777
    // In the same folder, a rename costs least.
    const target = pathOf(directory, path)
    const aside = pathOf(directory, `${path.slice(0, path.lastIndexOf('/') + 1)}${scratch}`)
    const file = openSync(aside, 'wx', wanted)
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at)
      if ((wanted & ~unmasked) !== 0) {
        unmasked |= fstatSync(file).mode & wanted & 0o777
        fchmodSync(file, wanted)
      }
    } finally {
      closeSync(file)
    }
    renameSync(aside, target)
  } catch (error) {
    throw new RewriteError(`${name} can't be written: ${reasonOf(error)}`)
  }
}

/** @param {unknown} error */
function reasonOf(error) {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
