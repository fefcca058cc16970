import type { JobContainerRequest } from '@slipway/contract/delegations'
import { checkMounts } from './check-mounts.ts'
import { parseOptions } from './parse-options.ts'
import type { RequestProblem } from './judge-request.ts'
import { isImageAllowed } from './match-image.ts'
import type { RunnerClass } from './runner-class.ts'

/** What a class has against the container that a proxy's hooks ask for, all of it. */
export async function judgeContainer(
  rules: Pick<RunnerClass, 'name' | 'executor' | 'image' | 'images' | 'mounts'>,
  { image, options, mounts }: JobContainerRequest,
): Promise<RequestProblem[]> {
  const problems: RequestProblem[] = []
  if (rules.executor === 'kubernetes') {
    const message = `cannot be had of the runner class ${rules.name}: its executor is kubernetes, and jobs of proxy runners need a Docker engine`
    problems.push({ path: '/container', message })
  }
  if (image !== undefined && !isImageAllowed(rules, image)) {
    const message = `is an image that the runner class does not allow: ${image}`
    problems.push({ path: '/container/image', message })
  }
  for (const message of parseOptions(options ?? '', 'job').problems) {
    problems.push({ path: '/container/options', message })
  }
  return [...problems, ...(await checkMounts(rules.mounts, mounts ?? [])).problems]
}
