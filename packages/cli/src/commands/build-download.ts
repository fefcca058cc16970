import { resolve } from 'node:path'
import type { BuildOutput } from '@slipway/contract/builds'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { fetchFile } from '../fetch-file.ts'
import type { Output } from '../io.ts'
import { openLiveArea } from '../render/live-area.ts'
import { renderProgress } from '../render/progress-bar.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { numberOf } from './build-number.ts'

interface DownloadFlags {
  output?: string
  force?: true
}

const frameMs = 100

export function addDownloadCommand(build: Command, act: Act): void {
  build
    .command('download <build>')
    .description('get its ZIP, whole and with the right checksum; what broke off is gone on with')
    .option('-o, --output <file>', 'file to write; default: as the server calls it, here')
    .option('-f, --force', 'write over a file that is there')
    .action(act((context, flags: DownloadFlags, [which = '']) => download(context, which, flags)))
}

async function download(context: Context, which: string, flags: DownloadFlags): Promise<number> {
  const { io } = context
  const { signal } = io
  const id = numberOf(which)
  const { client } = await context.connect()
  const output = zipOf(await client.builds.outputs(id, { signal }), id)
  const target = resolve(io.cwd, flags.output ?? nameOf(output))
  const { file_size_bytes: size = 0, checksum_sha256: sha256 = '' } = output
  const progress = showProgress(io.err, size)
  try {
    await fetchFile((options) => client.builds.download(output.id, options), {
      target,
      force: flags.force === true,
      size,
      sha256,
      signal,
      onProgress: progress.tell,
    })
  } finally {
    await progress.close()
  }
  if (context.json) await printJson(io, { output_id: output.id, file: target, size, sha256 })
  else await io.out.write(`${terminalWord(target)}\n`)
  return exitCodes.success
}

function zipOf(outputs: readonly BuildOutput[], id: number): BuildOutput {
  const zip = outputs.find(({ output_type: type }) => type === 'zip')
  if (zip !== undefined) return zip
  const [image] = outputs
  if (image === undefined) {
    throw new CliError(
      `Build ${id} has made nothing to download`,
      `See how it stands: slipway build show ${id}`,
      exitCodes.failed,
    )
  }
  throw new CliError(
    `Build ${id} has made an image, which is pulled and not downloaded`,
    `It is ${terminalWord(image.image_url ?? '')}`,
    exitCodes.failed,
  )
}

/** The last part of the server's path, which must not lead anywhere else. */
function nameOf({ id, file_path: path = '' }: BuildOutput): string {
  const name = path.split(/[/\\]/).at(-1) ?? ''
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$/.test(name) ? name : `build-output-${id}.zip`
}

/** A line that is drawn over while it grows: on a terminal alone. */
function showProgress(output: Output, total: number) {
  if (!output.isTerminal) return { tell: () => {}, close: async () => {} }
  const area = openLiveArea(output)
  let done = 0
  let first: { done: number; at: number } | null = null
  const draw = () => {
    const gained = done - (first?.done ?? 0)
    const spentMs = first === null ? 0 : Date.now() - first.at
    const line = renderProgress({ done, total, gained, spentMs }, output.columns() - 1)
    return area.draw([line])
  }
  const timer = setInterval(() => void draw(), frameMs)
  return {
    tell(now: number) {
      done = now
      first ??= { done: now, at: Date.now() }
    },
    async close() {
      clearInterval(timer)
      if (first !== null) await draw()
      await area.close()
    },
  }
}
