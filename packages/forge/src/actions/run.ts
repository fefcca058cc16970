import Type from 'typebox'
import { defineAction } from './action.ts'

/** `run: "a shell script"`. Stops at the first failing command, in pipes too where bash runs it. */
export const run = defineAction({
  name: 'run',
  description: 'A shell script, by bash -eo pipefail where there is bash, else by sh -e.',
  keys: {
    run: Type.String({
      minLength: 1,
      format: 'script',
      description: "The script; runs in the project's directory. At most 100 KiB.",
    }),
  },
  command: ({ run: script }, { hasBash }) =>
    hasBash ? ['bash', '-eo', 'pipefail', '-c', script] : ['sh', '-e', '-c', script],
})
