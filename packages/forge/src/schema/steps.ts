import Type from 'typebox'
import { actions, defaultAction } from '../actions/table.ts'
import {
  Name,
  RepositoryPath,
  Timeout,
  variableExpected,
  variablePattern,
  Variables,
} from './fields.ts'

const Secret = Type.Union(
  [
    Type.String({ pattern: variablePattern, expected: variableExpected }),
    Type.Object(
      {
        name: Name('Name of the stored secret.'),
        env: Type.Optional(
          Type.String({
            pattern: variablePattern,
            expected: variableExpected,
            description: 'Variable that gets it; default: the name of the secret.',
          }),
        ),
        file: Type.Optional(
          Type.Boolean({
            description: 'The variable holds the path of a file with the secret. Default false.',
          }),
        ),
      },
      { additionalProperties: false },
    ),
  ],
  { expected: 'the name of a secret, or an object with name, env and file' },
)

/** Keys of everything that runs a command: steps, and producers of artifacts. */
const commandKeys = {
  timeout: Type.Optional(Timeout("Time limit; default: the phase's, and 20m for a producer.")),
  env: Type.Optional(Variables('Environment variables.')),
  secrets: Type.Optional(
    Type.Array(Secret, {
      maxItems: 50,
      description: 'Stored secrets to hand over, by environment variable or file.',
    }),
  ),
  image: Type.Optional(
    Type.String({
      format: 'image',
      description: 'Container image to run in, where the executor has containers.',
    }),
  ),
  network: Type.Optional(
    Type.Enum(['host', 'none'], { description: 'Network of the command: host (default) or none.' }),
  ),
}

function actionName(name: string, description: string) {
  const key = Type.Literal(name, { description })
  return name === defaultAction ? Type.Optional(key) : key
}

const byAction = { key: 'action', default: defaultAction, noun: 'action' }

/** One command of a task. Which further keys it has depends on its `action`. */
export const Step = Type.Union(
  actions.map((action) =>
    Type.Object(
      {
        name: Name('Name of the step, unique in its task.'),
        action: actionName(action.name, 'What kind of step this is; default run.'),
        needs: Type.Optional(
          Type.Array(Name('Name of a step of the same task.'), {
            maxItems: 100,
            description: 'Steps of the same task that must have succeeded before this one starts.',
          }),
        ),
        ...commandKeys,
        ...action.keys,
      },
      { additionalProperties: false, description: action.description },
    ),
  ),
  { discriminator: byAction, description: 'One command of a task.' },
)

/**
 * What makes an artifact: a `path` that a step left behind, or a command of one of the
 * actions, with `path` where its result is a file or a folder.
 */
export const Producer = Type.Union(
  [
    Type.Object(
      { path: RepositoryPath('File or folder that the steps of the project leave behind.') },
      { additionalProperties: false },
    ),
    ...actions.map((action) =>
      Type.Object(
        {
          action: actionName(action.name, 'What kind of command this is; default run.'),
          path: Type.Optional(RepositoryPath('File or folder that the command leaves behind.')),
          ...commandKeys,
          ...action.keys,
        },
        { additionalProperties: false },
      ),
    ),
  ],
  {
    discriminator: { ...byAction, otherwise: { onlyKey: 'path', variant: 0 } },
    description: 'What makes the artifact.',
  },
)
