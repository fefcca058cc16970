import type { LogWriter } from '../../logs/index.ts'
import { compileMasks } from '../../secrets/index.ts'
import type { Note } from './clone/deps.ts'

/** The log of a build while it is done. */
export interface BuildLog {
  /** Writes a line; resolves when it is in the file. */
  note: Note
  /** The same for who cannot wait: `settled` rejects where it failed. */
  say(line: string): void
  settled(): Promise<void>
  /** Output as it came, without secrets that became known only now. A promise holds its writer back. */
  output(secrets: readonly string[]): {
    write(chunk: Buffer): void | Promise<void>
    /** Writes what was held back. */
    end(): Promise<void>
  }
}

export function openBuildLog(writer: Pick<LogWriter, 'note' | 'write'>): BuildLog {
  let said: Promise<void> = Promise.resolve()
  return {
    note: (line) => writer.note(line),
    say(line) {
      said = Promise.all([said, writer.note(line)]).then(() => undefined)
      // Told by `settled`.
      said.catch(() => undefined)
    },
    settled: () => said,
    output(secrets) {
      const masker = compileMasks(secrets).masker()
      const write = (pieces: readonly Buffer[]) =>
        pieces.length === 0 ? undefined : writer.write(Buffer.concat(pieces))
      return {
        write: (chunk) => write(masker.push(chunk)),
        end: async () => write(masker.end()),
      }
    },
  }
}
