import { InvalidValue, type Parse, publicUrl } from './parse.ts'
import { absent, present, type ValuesOf } from './setting.ts'

/** Who orchestrates runs. */
export type OrchestratorConfig =
  | { kind: 'server' }
  | {
      kind: 'argo'
      /** Null: that of the account by which the cluster is reached. */
      namespace: string | null
      template: string
      /** Where dispatchers reach this server; without a slash at its end. */
      serverUrl: string
      /** Null: what the template says. */
      image: string | null
      tokenSecret: string | null
    }

const orchestratorName: Parse<'server' | 'argo'> = (text) => {
  if (text === 'server' || text === 'argo') return text
  throw new InvalidValue('must be server or argo')
}

/** Name of an object in a cluster (RFC 1123). */
const objectName: Parse<string> = (text) => {
  if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)) return text
  throw new InvalidValue('must be up to 63 lower-case letters, digits and "-", not at an end')
}

const imageName: Parse<string> = (text) => {
  if (/^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,499}$/.test(text)) return text
  throw new InvalidValue('must be the name of an image, such as host/slipway:1.0')
}

/** Settings of whoever goes through the stages of runs; part of `settings`. */
export const orchestratorSettings = {
  SLIPWAY_ORCHESTRATOR: present({
    description:
      'Who begins the stages of runs: `server`, or `argo`: a workflow of Argo Workflows per run, whose steps dispatch them. All servers of a database need the same.',
    default: 'server',
    parse: orchestratorName,
  }),
  ARGO_NAMESPACE: absent({
    description: 'Namespace that workflows are submitted to.',
    default: null,
    defaultNote: 'that of the account by which the cluster is reached',
    parse: objectName,
  }),
  ARGO_WORKFLOW_TEMPLATE: present({
    description: 'WorkflowTemplate whose steps dispatch the stages of a run.',
    default: 'slipway-run',
    parse: objectName,
  }),
  ARGO_SERVER_URL: absent({
    description: 'Address at which dispatchers reach this server.',
    default: null,
    defaultNote: '`SLIPWAY_PUBLIC_URL`',
    parse: publicUrl,
  }),
  ARGO_DISPATCHER_IMAGE: absent({
    description: 'Image that dispatchers run; it has the `slipway` command.',
    default: null,
    defaultNote: 'what the template says',
    parse: imageName,
  }),
  ARGO_TOKEN_SECRET: absent({
    description:
      'Name of the Secret beside the workflows whose `token` is that of a service account, for dispatchers.',
    default: null,
    defaultNote: 'what the template says',
    parse: objectName,
  }),
}

const onlyForArgo = [
  'ARGO_NAMESPACE',
  'ARGO_SERVER_URL',
  'ARGO_DISPATCHER_IMAGE',
  'ARGO_TOKEN_SECRET',
] as const

/** What decides about it: without an address for Argo, the public one is taken. */
type Values = ValuesOf<typeof orchestratorSettings> & { SLIPWAY_PUBLIC_URL: string | null }

/** What is wrong with these settings together. What was refused is undefined: that is told already. */
export function orchestratorProblems(values: Values): string[] {
  const { SLIPWAY_ORCHESTRATOR: kind, ARGO_SERVER_URL: url, SLIPWAY_PUBLIC_URL: own } = values
  if (kind === 'argo') {
    if (url !== null || own !== null) return []
    return ['ARGO_SERVER_URL: SLIPWAY_ORCHESTRATOR=argo needs it, or SLIPWAY_PUBLIC_URL']
  }
  if (kind !== 'server') return []
  return onlyForArgo
    .filter((name) => typeof values[name] === 'string')
    .map((name) => `${name}: has no meaning without SLIPWAY_ORCHESTRATOR=argo`)
}

export function toOrchestrator(values: Values): OrchestratorConfig {
  const serverUrl = values.ARGO_SERVER_URL ?? values.SLIPWAY_PUBLIC_URL
  if (values.SLIPWAY_ORCHESTRATOR === 'server' || serverUrl === null) return { kind: 'server' }
  return {
    kind: 'argo',
    namespace: values.ARGO_NAMESPACE,
    template: values.ARGO_WORKFLOW_TEMPLATE,
    serverUrl,
    image: values.ARGO_DISPATCHER_IMAGE,
    tokenSecret: values.ARGO_TOKEN_SECRET,
  }
}
