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
    const axis = { stroke: colour('--text-soft'), grid: { stroke: colour('--line') } }
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height,
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
            size: 72,
            values: (_: uPlot, values: number[]) => values.map((value) => format(value)),
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
