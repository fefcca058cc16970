import type { Run } from '@slipway/contract/runs'
import type { Output } from '../io.ts'
import { describeRunChanges } from './run-changes.ts'
import { renderRunTree } from './run-tree.ts'
import { type FrameOptions, showStates } from './show-states.ts'
import type { Styles } from './styles.ts'

/** Shows a run as a tree until it is finished; answers it as it ended, null when `runs` ended without any. */
export function showRun(
  output: Output,
  styles: Styles,
  runs: AsyncIterable<Run>,
): Promise<Run | null> {
  const shown = {
    draw: (run: Run, frame: FrameOptions) => renderRunTree(run, { styles, ...frame }),
    describe: describeRunChanges,
  }
  return showStates(output, shown, runs)
}
