import Type from 'typebox'
import { RepositoryPath, Variables } from '../schema/fields.ts'
import { defineAction } from './action.ts'

/** `docker build` with the keys' options. */
export const dockerBuild = defineAction({
  name: 'docker-build',
  description: 'A container image from a Dockerfile.',
  keys: {
    context: Type.Optional(RepositoryPath('Folder that is sent to the builder; default ".".')),
    dockerfile: Type.Optional(RepositoryPath('The Dockerfile; default <context>/Dockerfile.')),
    target: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$',
        expected: 'the name of a build stage',
        description: 'Build stage to stop at.',
      }),
    ),
    tags: Type.Optional(
      Type.Array(Type.String({ format: 'image' }), {
        maxItems: 20,
        description: 'Names for the image, such as api:dev.',
      }),
    ),
    buildArgs: Type.Optional(Variables('Build arguments (ARG); never for secrets.')),
  },
  command: ({ context = '.', dockerfile, target, tags = [], buildArgs = {} }) => [
    'docker',
    'build',
    ...(dockerfile === undefined ? [] : ['--file', dockerfile]),
    ...(target === undefined ? [] : ['--target', target]),
    ...tags.flatMap((tag) => ['--tag', tag]),
    ...Object.entries(buildArgs).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    '--',
    context,
  ],
})
