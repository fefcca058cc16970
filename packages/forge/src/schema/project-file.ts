import Type from 'typebox'
import { Name, NamedRecord, projectNameExpected, projectNamePattern } from './fields.ts'
import { Producer, Step } from './steps.ts'
import { limits } from '../limits.ts'

const ProjectPhase = Type.Object(
  {
    steps: Type.Array(Step, {
      minItems: 1,
      maxItems: limits.stepsPerTask,
      description: 'Steps of the task; they run in parallel unless needs orders them.',
    }),
  },
  { additionalProperties: false, description: 'What the project does in a phase.' },
)

const Artifact = Type.Object(
  {
    type: Type.Enum(['container', 'binary', 'archive'], { description: 'What the artifact is.' }),
    producer: Producer,
    publishers: Type.Optional(
      Type.Array(Name('Name of a publisher.'), {
        maxItems: 20,
        description:
          "Publishers of the repository file that get it; default: Slipway's own store alone.",
      }),
    ),
  },
  { additionalProperties: false, description: 'Something a release consists of.' },
)

const ReleaseTrigger = Type.Object(
  {
    branch: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        format: 'branch-regex',
        description: 'A push to a branch whose whole name matches this regular expression (RE2).',
      }),
    ),
    tag: Type.Optional(Type.Literal(true, { description: 'A tag, as tagging.strategy reads it.' })),
    manual: Type.Optional(Type.Literal(true, { description: 'A release made by hand or by API.' })),
  },
  { additionalProperties: false, description: 'One occasion; exactly one of the keys.' },
)

const Resource = Type.Object(
  {
    apiVersion: Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'Of the Kubernetes API.',
    }),
    kind: Type.String({ minLength: 1, maxLength: 200, description: 'Of the Kubernetes object.' }),
    metadata: Type.Object(
      {
        name: Type.String({
          minLength: 1,
          maxLength: 253,
          description: 'Of the Kubernetes object.',
        }),
      },
      { additionalProperties: true, description: 'Of the Kubernetes object.' },
    ),
  },
  { additionalProperties: true, description: 'A Kubernetes manifest.' },
)

/** `.forge/project.*`: one project of the repository. */
export const ProjectFile = Type.Object(
  {
    name: Type.Optional(
      Type.String({
        pattern: projectNamePattern,
        expected: projectNameExpected,
        description:
          "Name of the project, unique in the repository; default: the directory's name.",
      }),
    ),
    phases: Type.Optional(
      NamedRecord(ProjectPhase, 'Phases the project takes part in, by name.', limits.phases),
    ),
    artifacts: Type.Optional(NamedRecord(Artifact, 'What a release consists of, by name.', 50)),
    release: Type.Optional(
      Type.Object(
        {
          on: Type.Array(ReleaseTrigger, {
            maxItems: 20,
            description: 'When a release is made: any of these occasions.',
          }),
        },
        { additionalProperties: false, description: 'When the project is released.' },
      ),
    ),
    deploy: Type.Optional(
      Type.Object(
        {
          resources: Type.Array(Resource, {
            maxItems: 200,
            description: 'Kubernetes manifests of a release; $artifact references are resolved.',
          }),
        },
        { additionalProperties: false, description: 'What is deployed.' },
      ),
    ),
  },
  { additionalProperties: false, description: '.forge/project.*: one project.' },
)
