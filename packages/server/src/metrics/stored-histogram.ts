import { Histogram, type Registry } from 'prom-client'

/** Observations of one set of labels, by the bucket that each is in. */
export interface StoredBuckets {
  labels: Readonly<Record<string, string>>
  /** Upper bound in seconds → how many are within, and in no smaller one; Infinity: behind the last. */
  counts: ReadonlyMap<number, number>
  sum: number
}

/** A histogram whose observations are kept elsewhere: what is shown is what `set` was given last. */
export interface StoredHistogram {
  set(all: readonly StoredBuckets[]): void
}

export function createStoredHistogram(
  options: {
    name: string
    help: string
    labelNames: readonly string[]
    buckets: readonly number[]
  },
  registry: Registry,
): StoredHistogram {
  const { name, help, labelNames, buckets } = options
  const histogram = new Histogram({
    name,
    help,
    labelNames: [...labelNames],
    buckets: [...buckets],
    registers: [registry],
  })
  let shown: readonly StoredBuckets[] = []
  const show = async () => {
    const values = shown.flatMap((one) => samplesOf(name, buckets, one))
    return { name, help, type: 'histogram', values, aggregator: 'sum' }
  }
  // The first is what a scrape asks.
  Object.assign(histogram, { getForPromString: show, get: show })
  return { set: (all) => void (shown = all) }
}

function samplesOf(
  name: string,
  bounds: readonly number[],
  { labels, counts, sum }: StoredBuckets,
) {
  const upTo = (bound: number) => {
    let total = 0
    for (const [bucket, count] of counts) if (bucket <= bound) total += count
    return total
  }
  const count = upTo(Number.POSITIVE_INFINITY)
  return [
    ...bounds.map((bound) => ({
      metricName: `${name}_bucket`,
      labels: { le: bound, ...labels },
      value: upTo(bound),
    })),
    { metricName: `${name}_bucket`, labels: { le: '+Inf', ...labels }, value: count },
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
