import { JobType } from '@slipway/contract/jobs'
import { anyText, duration, InvalidValue, type Parse, port, publicUrl } from './parse.ts'
import { absent, present } from './setting.ts'
import { suggest } from './suggest.ts'

const known: readonly string[] = JobType.enum

/** Job types, separated by commas; empty: none. */
const jobTypes: Parse<readonly JobType[]> = (text) => {
  const types = [...new Set(text.split(',').map((type) => type.trim()))].filter(Boolean)
  for (const type of types) {
    if (known.includes(type)) continue
    const near = suggest(type, known)
    const hint = near === null ? `one of ${known.join(', ')}` : `did you mean ${near}?`
    throw new InvalidValue(`there are no jobs of type ${type}; ${hint}`)
  }
  return types as JobType[]
}

/** Which jobs a worker does, and where one on another machine belongs to. */
export const workerSettings = {
  SLIPWAY_WORKER_TYPES: absent({
    description: `Types of the jobs that the worker does, separated by commas: ${known.map((type) => `\`${type}\``).join(', ')}. Empty: this server does none, and leaves all to others.`,
    default: null,
    defaultNote: 'all that it can do',
    emptyIsValue: true,
    parse: jobTypes,
  }),
  SLIPWAY_SERVER_URL: absent({
    description: 'Address of the server, for `slipway-server worker`.',
    default: null,
    parse: publicUrl,
  }),
  SLIPWAY_WORKER_TOKEN: absent({
    description: 'Token with the role `worker`, for `slipway-server worker`.',
    default: null,
    secret: true,
    parse: anyText,
  }),
  SLIPWAY_WORKER_TOKEN_FILE: absent({
    description:
      'Path of a file with that token, in place of `SLIPWAY_WORKER_TOKEN`; it is read again when the token is refused.',
    default: null,
    parse: anyText,
  }),
  SLIPWAY_WORKER_PORT: absent({
    description:
      'TCP port, at `HOST`, where `slipway-server worker` shows its metrics (`/metrics`) and whether it is well (`/healthz`), to anybody; 0 lets the system choose.',
    default: null,
    defaultNote: 'none',
    parse: port,
  }),
  SLIPWAY_DRAIN_TIMEOUT: present({
    description:
      'How long `slipway-server worker` goes on with the jobs in its hands when it is told to end; what is not done then is left to another worker.',
    default: '10m',
    parse: duration,
  }),
}
