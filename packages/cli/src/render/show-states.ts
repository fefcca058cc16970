import type { Output } from '../io.ts'
import { openLiveArea } from './live-area.ts'

const FRAME_MS = 100

/** How something that changes is shown. */
export interface Shown<State> {
  /** All of it, for a terminal. */
  draw: (state: State, options: FrameOptions) => readonly string[]
  /** What is new, a line each, where nothing can be drawn over. */
  describe: (before: State | null, after: State) => readonly string[]
}

export interface FrameOptions {
  /** Epoch milliseconds, for what still runs. */
  now: number
  /** Counts up; turns the mark of what runs. */
  frame: number
  /** Lines longer than this are cut. */
  columns: number
  /** Lines that there is room for. */
  rows: number
}

/**
 * Shows states until there are no more: on a terminal drawn over again and again, else as a line for each
 * change. Answers the last one; null when there was none.
 *
 * On every path the terminal has its cursor back.
 */
export async function showStates<State>(
  output: Output,
  shown: Shown<State>,
  states: AsyncIterable<State>,
): Promise<State | null> {
  return output.isTerminal ? drawStates(output, shown, states) : printStates(output, shown, states)
}

async function printStates<State>(
  output: Output,
  { describe }: Shown<State>,
  states: AsyncIterable<State>,
): Promise<State | null> {
  let last: State | null = null
  for await (const state of states) {
    for (const line of describe(last, state)) await output.write(`${line}\n`)
    last = state
  }
  return last
}

async function drawStates<State>(
  output: Output,
  shown: Shown<State>,
  states: AsyncIterable<State>,
): Promise<State | null> {
  const area = openLiveArea(output)
  let current: State | null = null
  let frame = 0
  let drawing: Promise<void> = Promise.resolve()
  const draw = (rows: number) => {
    if (current === null) return drawing
    const columns = output.columns() - 1
    drawing = area.draw(shown.draw(current, { now: Date.now(), frame, columns, rows }))
    return drawing
  }
  // A taller frame than the terminal would scroll, and the next one be drawn below it.
  const height = () => Math.max(3, output.rows() - 1)
  const timer = setInterval(() => {
    frame += 1
    void draw(height())
  }, FRAME_MS)
  try {
    for await (const state of states) {
      current = state
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
