/** A family of metrics, as the text format of Prometheus shows it. */
export interface MetricFamily {
  type: string
  help: string
  samples: { name: string; labels: Record<string, string>; value: number }[]
}

const sampleLine =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/

/** Reads the text format, version 0.0.4, strictly: whatever a scraper would stumble over is an error. */
export function parseMetrics(text: string): Map<string, MetricFamily> {
  if (!text.endsWith('\n')) throw new Error('The last line has no end')
  const families = new Map<string, MetricFamily>()
  const seen = new Set<string>()
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, kind, about = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (kind === 'HELP') {
      if (families.has(about)) throw new Error(`${about} is there twice`)
      families.set(about, { type: 'untyped', help: rest, samples: [] })
      continue
    }
    if (kind === 'TYPE') {
      const family = families.get(about)
      if (family === undefined || family.samples.length > 0) throw new Error(`late: ${line}`)
      if (!['counter', 'gauge', 'histogram', 'summary'].includes(rest)) throw new Error(line)
      family.type = rest
      continue
    }
    const [, name, labelText = '', value = ''] = sampleLine.exec(line) ?? []
    if (name === undefined) throw new Error(`no sample: ${line}`)
    const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''))
    if (family === undefined) throw new Error(`of no family: ${line}`)
    if (seen.has(`${name}{${labelText}}`)) throw new Error(`twice: ${line}`)
    seen.add(`${name}{${labelText}}`)
    const labels = Object.fromEntries(
      [...labelText.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', text = '']) => [
        key,
        text.replaceAll(/\\(.)/g, (_match, char: string) => (char === 'n' ? '\n' : char)),
      ]),
    )
    const number = value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value)
    if (Number.isNaN(number)) throw new Error(`no number: ${line}`)
    family.samples.push({ name, labels, value: number })
  }
  for (const [name, family] of families) {
    if (family.type === 'histogram') checkHistogram(name, family)
  }
  return families
}

/** Buckets grow, and the last one is the count. */
function checkHistogram(name: string, { samples }: MetricFamily): void {
  const last = new Map<string, number>()
  for (const sample of samples) {
    const { le, ...labels } = sample.labels
    const key = JSON.stringify(labels)
    if (sample.name.endsWith('_bucket')) {
      if (le === undefined) throw new Error(`${name} has a bucket without an end`)
      if (sample.value < (last.get(key) ?? 0)) throw new Error(`${name} has a bucket that shrinks`)
      last.set(key, sample.value)
    }
    if (sample.name.endsWith('_count') && last.get(key) !== sample.value) {
      throw new Error(`The buckets of ${name} do not end with its count`)
    }
  }
}

/** The value of one sample; undefined where there is none. */
export function valueOf(
  families: ReadonlyMap<string, MetricFamily>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''))
  return family?.samples.find(
    (sample) =>
      sample.name === name &&
      Object.keys(sample.labels).length === Object.keys(labels).length &&
      Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )?.value
}
