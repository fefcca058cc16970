import Type from 'typebox'
import { NamedRecord, Text, Timeout } from './fields.ts'
import { limits } from '../limits.ts'
import { Publisher } from './publishers.ts'

const PhaseFile = Type.Object(
  {
    group: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100,
        description: 'Phases of one group run in parallel, groups one after the other. Default 1.',
      }),
    ),
    description: Type.Optional(Text('What the phase is for.')),
    timeout: Type.Optional(Timeout('Time limit of each task of the phase. Default 30m.')),
    required: Type.Optional(
      Type.Boolean({ description: 'Every project must take part in it. Default false.' }),
    ),
  },
  { additionalProperties: false, description: 'A phase of the pipeline.' },
)

const Approval = Type.Object(
  {
    required: Type.Optional(Type.Boolean({ description: 'Deploying needs an approval.' })),
    approvals: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 20,
        description: 'How many different people must approve.',
      }),
    ),
    roles: Type.Optional(
      Type.Array(Type.Enum(['developer', 'approver', 'operator', 'admin']), {
        minItems: 1,
        maxItems: 10,
        description: 'Roles whose holders may approve.',
      }),
    ),
    expires: Type.Optional(
      Type.String({
        format: 'expiry',
        description: 'How long an approval is valid, from 1m to 720h.',
      }),
    ),
    selfApproval: Type.Optional(
      Type.Boolean({ description: 'Whoever wants the deployment may approve it.' }),
    ),
  },
  { additionalProperties: false, description: 'Who must approve a deployment to the environment.' },
)

const EnvironmentFile = Type.Object(
  {
    approval: Type.Optional(Approval),
    branches: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 200, format: 'branch-glob' }), {
        maxItems: 50,
        description:
          'Branches that deploy automatically; * is anything within a segment, ** anything.',
      }),
    ),
    triggers: Type.Optional(
      Type.Array(Type.Enum(['branch', 'tag', 'manual']), {
        maxItems: 3,
        description: 'Release triggers that deploy automatically.',
      }),
    ),
    autoDeploy: Type.Optional(
      Type.Boolean({ description: 'Deploy a new release without being asked.' }),
    ),
    logRetention: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 3_650,
        description: 'Days to keep the logs of runs whose release was deployed here.',
      }),
    ),
  },
  { additionalProperties: false, description: 'An environment that releases are deployed to.' },
)

/** `.forge/repo.*`: what holds for the whole repository. */
export const RepositoryFile = Type.Object(
  {
    forgeVersion: Type.Optional(
      Type.Union(
        [
          Type.String({ pattern: '^[01](\\.\\d{1,4}){0,2}$' }),
          Type.Number({ minimum: 0, exclusiveMaximum: 2 }),
        ],
        {
          expected: 'the version of this format that the files are written for: "1"',
          description: 'Version of the format the files are written for. Default "1".',
        },
      ),
    ),
    tagging: Type.Optional(
      Type.Object(
        {
          strategy: Type.Enum(['monorepo', 'tag-all'], {
            description:
              'monorepo: a tag <project>/v… releases that project. tag-all: a tag v… releases all.',
          }),
        },
        { additionalProperties: false, description: 'What tags mean.' },
      ),
    ),
    phases: Type.Optional(
      NamedRecord(PhaseFile, 'The phases of the pipeline, by name.', limits.phases),
    ),
    publishers: Type.Optional(
      NamedRecord(Publisher, 'Where artifacts are published, by name.', 50),
    ),
    environments: Type.Optional(NamedRecord(EnvironmentFile, 'Environments, by name.', 50)),
  },
  {
    additionalProperties: false,
    description: '.forge/repo.*: what holds for the whole repository.',
  },
)

export type RepositoryFile = Type.Static<typeof RepositoryFile>
