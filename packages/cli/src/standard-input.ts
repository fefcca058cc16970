import type { ReadStream, WriteStream } from 'node:tty'
import { CliError } from './cli-error.ts'
import { exitCodes } from './exit-codes.ts'
import type { Input } from './io.ts'

const maxBytes = 1_048_576

/** Standard input as commands read it; questions go to `prompts`. `signal` ends the wait for an answer. */
export function standardInput(
  stream: ReadStream,
  prompts: WriteStream,
  signal: AbortSignal,
): Input {
  return {
    get isTerminal() {
      return stream.isTTY
    },
    async readAll() {
      const chunks: Buffer[] = []
      let bytes = 0
      for await (const chunk of stream) {
        bytes += (chunk as Buffer).length
        if (bytes > maxBytes) throw new CliError('Standard input has more than 1 MiB')
        chunks.push(chunk as Buffer)
      }
      return Buffer.concat(chunks).toString('utf8')
    },
    async readHidden(question) {
      prompts.write(question)
      stream.setRawMode(true)
      try {
        return await readLine(stream, signal)
      } finally {
        stream.setRawMode(false)
        stream.pause()
        prompts.write('\n')
      }
    },
  }
}

/** In raw mode nothing is echoed, and keys such as Ctrl-C are for us to obey. */
function readLine(stream: ReadStream, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let line = ''
    const end = (settle: () => void) => {
      stream.off('data', onData)
      signal.removeEventListener('abort', onAbort)
      settle()
    }
    const interrupt = () => reject(new CliError('Interrupted', undefined, exitCodes.interrupted))
    const onAbort = () => end(interrupt)
    const onData = (chunk: Buffer | string) => {
      for (const character of String(chunk)) {
        if (character === '\r' || character === '\n' || character === '\u0004') {
          end(() => resolve(line))
          return
        }
        if (character === '\u0003') {
          end(interrupt)
          return
        }
        const isErasing = character === '\u007f' || character === '\b'
        line = isErasing ? line.replace(/.$/u, '') : line + character
      }
    }
    signal.addEventListener('abort', onAbort, { once: true })
    stream.setEncoding('utf8')
    stream.on('data', onData)
    stream.resume()
  })
}
