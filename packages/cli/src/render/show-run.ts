import type { Run } from '@slipway/contract/runs'
import type { Output } from '../io.ts'
import { openLiveArea } from './live-area.ts'
import { describeRunChanges } from './run-changes.ts'
import { renderRunTree } from './run-tree.ts'
import type { Styles } from './styles.ts'

const FRAME_MS = 100

/**
 * Shows a run until it is finished: on a terminal as a tree that is redrawn, else as a line for
 * each change. Returns the run as it ended; null when `runs` ended without any.
 *
 * On every path the terminal has its cursor back.
 */
export async function showRun(
  output: Output,
  styles: Styles,
  runs: AsyncIterable<Run>,
): Promise<Run | null> {
  return output.isTerminal ? drawRun(output, styles, runs) : printRun(output, runs)
}

async function printRun(output: Output, runs: AsyncIterable<Run>): Promise<Run | null> {
  let last: Run | null = null
  for await (const run of runs) {
    for (const line of describeRunChanges(last, run)) await output.write(`${line}\n`)
    last = run
  }
  return last
}

async function drawRun(
  output: Output,
  styles: Styles,
  runs: AsyncIterable<Run>,
): Promise<Run | null> {
  const area = openLiveArea(output)
  let current: Run | null = null
  let frame = 0
  let drawing: Promise<void> = Promise.resolve()
  const draw = (rows: number) => {
    if (current === null) return drawing
    const columns = output.columns() - 1
    drawing = area.draw(renderRunTree(current, { styles, now: Date.now(), frame, columns, rows }))
    return drawing
  }
  // A taller frame than the terminal would scroll, and the next one be drawn below it.
  const height = () => Math.max(3, output.rows() - 1)
  const timer = setInterval(() => {
    frame += 1
    void draw(height())
  }, FRAME_MS)
  try {
    for await (const run of runs) {
      current = run
      void draw(height())
    }
  } finally {
    clearInterval(timer)
    await drawing
    // Nothing is drawn after this one, so it may be as tall as it is.
    await draw(Number.POSITIVE_INFINITY)
    await area.close()
  }
  return current
}
