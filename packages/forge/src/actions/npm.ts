import Type from 'typebox'
import { Arguments } from '../schema/fields.ts'
import { defineAction } from './action.ts'

/** `npm run <script> -- <args>`, or `npm <command> <args>` such as `npm ci`. */
export const npm = defineAction({
  name: 'npm',
  description: 'A script of package.json, or a command of npm itself.',
  keys: {
    script: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_.@/+][A-Za-z0-9_.@/+:-]{0,199}$',
        expected: 'the name of a script in package.json',
        description: 'Runs npm run <script>; its args go to the script.',
      }),
    ),
    command: Type.Optional(
      Type.String({
        pattern: '^[a-z][a-z-]{0,39}$',
        expected: 'a command of npm, such as ci',
        description: 'Runs npm <command>; its args go to npm. Instead of script.',
      }),
    ),
    args: Type.Optional(Arguments('Further arguments.')),
  },
  check: (step, pointer, report) => {
    const given = ['script', 'command'].filter((key) => Object.hasOwn(step, key))
    if (given.length === 0) report(pointer, 'needs "script" (npm run …) or "command" (npm ci, …).')
    if (given.length === 2)
      report(pointer, 'has both "script" and "command"; it can have only one.')
  },
  command: ({ script, command, args = [] }) => {
    if (script === undefined) return ['npm', command ?? '', ...args]
    return args.length === 0 ? ['npm', 'run', script] : ['npm', 'run', script, '--', ...args]
  },
})
