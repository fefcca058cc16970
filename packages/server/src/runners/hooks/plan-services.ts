import type { ServiceContainerRequest } from '@slipway/contract/runner-hooks'
import { AppError } from '../../errors.ts'
import { type CreateOptions, hostName, parseOptions } from '../parse-options.ts'

/** A service whose request is in order. */
export interface PlannedService {
  request: ServiceContainerRequest
  options: CreateOptions
  ports: Record<string, string>
}

/** Reads what services are to be; an `invalid_request` names every problem. */
export function planServices(requests: readonly ServiceContainerRequest[]): PlannedService[] {
  const problems: { path: string; message: string }[] = []
  const planned = requests.map((request, index) => {
    const path = `/services/${index}`
    const parsed = parseOptions(request.options ?? '', 'service')
    for (const message of parsed.problems) problems.push({ path: `${path}/options`, message })
    for (const name of request.names) {
      if (!hostName.test(name)) {
        problems.push({ path: `${path}/names`, message: `${JSON.stringify(name)} is no host name` })
      }
    }
    const ports = (request.ports ?? []).map((port) => {
      const match = /^(?:(?:[\d.]+:)?\d{0,5}:)?(\d{1,5})(?:\/(?:tcp|udp))?$/.exec(port)
      if (match === null) problems.push({ path: `${path}/ports`, message: `${port} is no port` })
      return match?.[1] ?? ''
    })
    return {
      request,
      options: parsed.options,
      ports: Object.fromEntries(ports.map((port) => [port, port])),
    }
  })
  const [first] = problems
  if (first === undefined) return planned
  throw new AppError('invalid_request', `The body is not valid: ${first.path} ${first.message}`, {
    problems,
  })
}
