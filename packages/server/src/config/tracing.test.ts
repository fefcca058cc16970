import { describe, expect, it } from 'vitest'
import { problemsOf } from '../../../../test/support/config-problems.ts'
import { readConfig } from './read-config.ts'

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }
const tracingOf = async (env: Record<string, string>) => (await readConfig(env)).tracing

describe('settings of traces', () => {
  it('are nothing without an endpoint, whatever else is there', async () => {
    expect(await tracingOf({})).toBeNull()
    expect(await tracingOf({ OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER: 'always_on' })).toBeNull()
    expect(await tracingOf({ ...endpoint, OTEL_SDK_DISABLED: 'true' })).toBeNull()
    expect(await tracingOf({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' })).toBeNull()
  })

  it('have the defaults of OpenTelemetry', async () => {
    expect(await tracingOf(endpoint)).toEqual({
      url: 'http://127.0.0.1:4318/v1/traces',
      headers: {},
      protocol: 'http/protobuf',
      timeoutMs: 10_000,
      serviceName: 'slipway',
      resource: {},
      sampler: { name: 'parentbased_always_on', ratio: 1 },
    })
  })

  it('are read as OpenTelemetry says', async () => {
    const tracing = await tracingOf({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://ignored:4318',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces.example/otlp',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20YTpi, x-tenant=a=b ,',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_TIMEOUT: '500',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=shipyard,deployment.environment.name=prod',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
    })
    expect(tracing).toEqual({
      url: 'https://traces.example/otlp',
      headers: { authorization: 'Basic YTpi', 'x-tenant': 'a=b' },
      protocol: 'http/json',
      timeoutMs: 500,
      serviceName: 'shipyard',
      resource: { 'service.name': 'shipyard', 'deployment.environment.name': 'prod' },
      sampler: { name: 'parentbased_traceidratio', ratio: 0.25 },
    })
  })

  it('are refused by name where they cannot be used, and headers are not repeated', async () => {
    const problems = await problemsOf({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317',
      OTEL_EXPORTER_OTLP_HEADERS: 'secret-value-without-name',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_RESOURCE_ATTRIBUTES: 'a=%',
      OTEL_TRACES_SAMPLER: 'sometimes',
      OTEL_TRACES_SAMPLER_ARG: '2',
      SLIPWAY_LOG_LEVEL: 'loud',
    })
    const named = problems.map((problem) => problem.slice(0, problem.indexOf(':')))
    expect(named.toSorted()).toEqual([
      'OTEL_EXPORTER_OTLP_ENDPOINT',
      'OTEL_EXPORTER_OTLP_HEADERS',
      'OTEL_EXPORTER_OTLP_PROTOCOL',
      'OTEL_RESOURCE_ATTRIBUTES',
      'OTEL_TRACES_SAMPLER',
      'OTEL_TRACES_SAMPLER_ARG',
      'SLIPWAY_LOG_LEVEL',
    ])
    expect(problems.join()).not.toContain('secret-value')
  })
})

describe('the least that is logged', () => {
  it.each([
    [{}, 'info'],
    [{ SLIPWAY_LOG_LEVEL: 'WARN' }, 'warn'],
    [{ SLIPWAY_LOG_LEVEL: 'error', DEBUG: 'true' }, 'debug'],
  ])('%j: %s', async (env, level) => expect((await readConfig(env)).logLevel).toBe(level))
})
