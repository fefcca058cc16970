import Type from 'typebox'
import { Arguments } from '../schema/fields.ts'
import { defineAction } from './action.ts'

/** `earthly <target> <args>`. */
export const earthly = defineAction({
  name: 'earthly',
  description: 'A target of an Earthfile.',
  keys: {
    target: Type.String({
      pattern:
        '^[A-Za-z0-9_./][A-Za-z0-9_./:@-]{0,299}\\+[A-Za-z0-9][A-Za-z0-9_./-]{0,99}$|^\\+[A-Za-z0-9][A-Za-z0-9_./-]{0,99}$',
      expected: 'an Earthly target, such as +build or ./lib+test',
      description: 'The target, such as +build or ./lib+test.',
    }),
    args: Type.Optional(Arguments('Arguments of the target, such as --VERSION=1.')),
  },
  command: ({ target, args = [] }) => ['earthly', target, ...args],
})
