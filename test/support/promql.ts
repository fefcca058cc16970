import { parser } from '@prometheus-io/lezer-promql'

/** What an expression of PromQL reads. */
export interface ReadExpression {
  /** Where it is no PromQL; empty: it is. */
  problems: string[]
  /** Names of series. */
  metrics: string[]
  /** Names of labels, in selectors and groupings. */
  labels: string[]
}

/** What Grafana puts in the place of its variables. */
const variables: readonly [RegExp, string][] = [
  [/\$__rate_interval|\$__interval/g, '5m'],
  [/\$__range/g, '6h'],
  [/\$\w+/g, '.*'],
]

export function readExpression(text: string): ReadExpression {
  let expression = text
  for (const [variable, value] of variables) expression = expression.replace(variable, value)
  const read: ReadExpression = { problems: [], metrics: [], labels: [] }
  parser.parse(expression).iterate({
    enter({ type, name, from, to }) {
      const part = expression.slice(from, to)
      if (type.isError)
        read.problems.push(`${expression}: near ${expression.slice(from, from + 20)}`)
      if (name === 'Identifier') read.metrics.push(part)
      if (name === 'LabelName') read.labels.push(part)
    },
  })
  return read
}
