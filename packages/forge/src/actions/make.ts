import Type from 'typebox'
import { Arguments } from '../schema/fields.ts'
import { defineAction } from './action.ts'

/** `make <args> <target>`. */
export const make = defineAction({
  name: 'make',
  description: "A target of the Makefile in the project's directory.",
  keys: {
    target: Type.String({
      pattern: '^[A-Za-z0-9_.+%/][A-Za-z0-9_.+%/@-]{0,199}$',
      expected: 'the name of a make target',
      description: 'The target to make.',
    }),
    args: Type.Optional(Arguments('Further arguments, such as NAME=value or --jobs=2.')),
  },
  command: ({ target, args = [] }) => ['make', ...args, target],
})
