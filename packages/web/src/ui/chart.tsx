import 'uplot/dist/uPlot.min.css'
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import styles from './chart.module.css'

export interface Series {
  label: string
  /** Name of a colour of base.css, as `--good`. */
  colour: string
  values: readonly (number | null)[]
  /** Points alone, without a line between them. */
  points?: boolean
}

const height = 220
/** Between two lines of the grid, so that durations have round labels: seconds, minutes, hours. */
const steps = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 86_400,
]

/** A time on the axis, as people here write it: the day, or within a day the time. */
function formatTick(at: number, step: number): string {
  const date = new Date(at * 1000)
  return step >= 86_400
    ? date.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })
    : date.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })
}

/** Lines over time. Beside it goes a table or figures that say the same to those who don't see it. */
export function Chart({
  label,
  times,
  series,
  format,
}: {
  label: string
  /** Seconds since 1970, rising. */
  times: readonly number[]
  series: readonly Series[]
  format: (value: number) => string
}) {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const element = place.current
    if (element === null) return undefined
    const colours = getComputedStyle(element)
    const colour = (name: string) => colours.getPropertyValue(name).trim()
    const axis = {
      stroke: colour('--text-soft'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
    }
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height,
        // From nothing on: what is twice as high is twice as much.
        scales: { y: { range: (_: uPlot, _low: number, high: number) => [0, high * 1.08 || 1] } },
        legend: { show: series.length > 1 },
        series: [
          {
            label: 'at',
            value: (_: uPlot, at: number | null) =>
              at === null ? '–' : new Date(at * 1000).toLocaleString(),
          },
          ...series.map((one) => ({
            label: one.label,
            stroke: colour(one.colour),
            width: 2,
            value: (_: uPlot, value: number | null) => (value === null ? '–' : format(value)),
            ...(one.points ? { paths: () => null, points: { size: 6, show: true } } : {}),
          })),
        ],
        axes: [
          {
            ...axis,
            values: (_: uPlot, splits: number[], _axis: number, _space: number, step: number) =>
              splits.map((at) => formatTick(at, step)),
          },
          {
            ...axis,
            size: 76,
            incrs: [...steps],
            values: (_: uPlot, values: number[]) =>
              values.map((value) => (value === 0 ? '0' : format(value))),
          },
        ],
      },
      [[...times], ...series.map((one) => [...one.values])] as uPlot.AlignedData,
      element,
    )
    const watch = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }))
    watch.observe(element)
    return () => {
      watch.disconnect()
      plot.destroy()
    }
  }, [times, series])
  return <div ref={place} className={styles.chart} role="img" aria-label={label} />
}
