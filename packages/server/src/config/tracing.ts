import {
  anyText,
  boolean,
  headerList,
  integer,
  InvalidValue,
  type Parse,
  publicUrl,
} from './parse.ts'
import { absent, present, type ValuesOf } from './setting.ts'

/** Where traces go, and which of them. */
export interface TracingConfig {
  /** Spans are posted to it as it is. */
  url: string
  /** Sent with them; may hold a credential. */
  headers: Readonly<Record<string, string>>
  protocol: 'http/protobuf' | 'http/json'
  /** Milliseconds that one export may take, all its tries included. */
  timeoutMs: number
  serviceName: string
  /** Further attributes of everything that is told by this process. */
  resource: Readonly<Record<string, string>>
  sampler: {
    name: SamplerName
    /** Of the traces, where the sampler goes by chance: 0 to 1. */
    ratio: number
  }
}

const samplerNames = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const
export type SamplerName = (typeof samplerNames)[number]

/** The variables are OpenTelemetry's own, with its meanings. */
export const tracingSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: absent({
    description:
      'Where traces are sent by OTLP over HTTP, such as `http://127.0.0.1:4318`; `/v1/traces` is added.',
    default: null,
    defaultNote: 'nothing is traced',
    parse: publicUrl,
  }),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: absent({
    description: 'The same, whole: nothing is added.',
    default: null,
    defaultNote: '`OTEL_EXPORTER_OTLP_ENDPOINT`',
    parse: publicUrl,
  }),
  OTEL_EXPORTER_OTLP_HEADERS: absent({
    description:
      'Headers of these requests, as `name=value` separated by commas; values are percent-encoded.',
    default: null,
    secret: true,
    parse: headerList,
  }),
  OTEL_EXPORTER_OTLP_PROTOCOL: present({
    description: 'How traces are written: `http/protobuf` or `http/json`. There is no gRPC here.',
    default: 'http/protobuf',
    parse: oneOf(['http/protobuf', 'http/json']),
  }),
  OTEL_EXPORTER_OTLP_TIMEOUT: present({
    description: 'Milliseconds that one such request may take, all its tries included.',
    default: '10000',
    parse: integer(1, 600_000),
  }),
  OTEL_SERVICE_NAME: absent({
    description: 'Name of this process in traces.',
    default: null,
    defaultNote: '`service.name` of `OTEL_RESOURCE_ATTRIBUTES`, or `slipway`',
    parse: anyText,
  }),
  OTEL_RESOURCE_ATTRIBUTES: absent({
    description:
      'Attributes of this process in traces, as `name=value` separated by commas; values are percent-encoded.',
    default: null,
    parse: headerList,
  }),
  OTEL_TRACES_SAMPLER: present({
    description: `Which traces are kept: ${samplerNames.map((name) => `\`${name}\``).join(', ')}. With \`parentbased_…\`, what a caller’s \`traceparent\` says of its own trace holds.`,
    default: 'parentbased_always_on',
    parse: oneOf(samplerNames),
  }),
  OTEL_TRACES_SAMPLER_ARG: present({
    description: 'Share of the traces that `…traceidratio` keeps, from 0 to 1.',
    default: '1',
    parse: ratio,
  }),
  OTEL_TRACES_EXPORTER: present({
    description: '`otlp`, or `none`: nothing is traced, whatever else is set.',
    default: 'otlp',
    parse: oneOf(['otlp', 'none']),
  }),
  OTEL_SDK_DISABLED: present({
    description: 'Whether nothing is traced, whatever else is set.',
    default: 'false',
    parse: boolean,
  }),
}

/** Null: nothing is traced. */
export function toTracing(values: ValuesOf<typeof tracingSettings>): TracingConfig | null {
  const base = values.OTEL_EXPORTER_OTLP_ENDPOINT
  const url = values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base && `${base}/v1/traces`)
  if (url === null || values.OTEL_SDK_DISABLED || values.OTEL_TRACES_EXPORTER === 'none')
    return null
  const resource = values.OTEL_RESOURCE_ATTRIBUTES ?? {}
  return {
    url,
    headers: values.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    protocol: values.OTEL_EXPORTER_OTLP_PROTOCOL,
    timeoutMs: values.OTEL_EXPORTER_OTLP_TIMEOUT,
    serviceName: values.OTEL_SERVICE_NAME ?? resource['service.name'] ?? 'slipway',
    resource,
    sampler: { name: values.OTEL_TRACES_SAMPLER, ratio: values.OTEL_TRACES_SAMPLER_ARG },
  }
}

function oneOf<const T extends string>(names: readonly T[]): Parse<T> {
  return (text) => {
    const name = names.find((known) => known === text.trim().toLowerCase())
    if (name !== undefined) return name
    throw new InvalidValue(`must be one of ${names.join(', ')}`)
  }
}

function ratio(text: string): number {
  const share = /^(0|1|0?\.\d{1,9}|[01]\.\d{1,9})$/.test(text.trim()) ? Number(text) : Number.NaN
  if (share >= 0 && share <= 1) return share
  throw new InvalidValue('must be a number from 0 to 1')
}
