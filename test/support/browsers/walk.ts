import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import type { DrivenBrowser } from './driven-browser.ts'

const screenshots = fileURLToPath(new URL('../../../test-results/screenshots', import.meta.url))
/** Long, for machines that are busy with other tests. */
const wait = { timeout: 40_000, interval: 50 }

/** Keys that are no letters, as WebDriver names them. */
export const keys = { enter: '\uE007', escape: '\uE00C', down: '\uE015' } as const

/**
 * Something on the screen: a selector, and what its name or text has within it. Wherever it is not
 * there yet, it is waited for.
 */
export type Sought = readonly [selector: string, text?: string]

/** What a person does with a browser. */
export interface Walk {
  see(...sought: Sought): Promise<void>
  notSee(...sought: Sought): Promise<void>
  click(...sought: Sought): Promise<void>
  /** Puts the text into a field, key by key. */
  fill(text: string, ...sought: Sought): Promise<void>
  press(...keys: readonly string[]): Promise<void>
  /** Waits until an expression in the page is true. */
  until(expression: string): Promise<void>
  picture(name: string): Promise<void>
}

export function walkIn(browser: DrivenBrowser): Walk {
  const until = (expression: string) =>
    vi.waitFor(async () => {
      if (!(await browser.evaluate<boolean>(`Boolean(${expression})`))) {
        const text = await browser.evaluate<string>('document.body.innerText.slice(0, 2000)')
        throw new Error(`never true: ${expression}\n${text}`)
      }
    }, wait)
  const press = (...pressed: readonly string[]) =>
    browser.perform([
      {
        type: 'key',
        id: 'keyboard',
        actions: pressed.flatMap((value) => [
          { type: 'keyDown', value },
          { type: 'keyUp', value },
        ]),
      },
    ])
  const click = async (...sought: Sought) => {
    let before = ''
    const { x, y } = await vi.waitFor(async () => {
      const point = await browser.evaluate<Point | null>(`(${pointOf})(${argumentsOf(sought)})`)
      // What still moves, or lies under something else, is not clicked.
      const stood = JSON.stringify(point) === before
      before = JSON.stringify(point)
      if (point === null || !stood) throw new Error(`cannot be clicked: ${sought.join(' ')}`)
      return point
    }, wait)
    await browser.perform([
      {
        type: 'pointer',
        id: 'mouse',
        actions: [
          { type: 'pointerMove', x, y, duration: 0 },
          { type: 'pointerDown', button: 0 },
          { type: 'pointerUp', button: 0 },
        ],
      },
    ])
  }
  return {
    see: (...sought) => until(`(${find})(${argumentsOf(sought)})`),
    notSee: (...sought) => until(`!(${find})(${argumentsOf(sought)})`),
    click,
    async fill(text, ...sought) {
      await click(...sought)
      await until(`document.activeElement === (${find})(${argumentsOf(sought)})`)
      await press(...text.split(''))
      await until(`document.activeElement.value === ${JSON.stringify(text)}`)
    },
    press,
    until,
    async picture(name) {
      await mkdir(screenshots, { recursive: true })
      await writeFile(join(screenshots, `${name}.png`), await browser.screenshot())
    },
  }
}

interface Point {
  x: number
  y: number
}

const argumentsOf = ([selector, text = '']: Sought) =>
  `${JSON.stringify(selector)}, ${JSON.stringify(text)}`

/** In the page: the first visible element of the selector whose label, name or text has the text. */
const find = `(selector, text) => [...document.querySelectorAll(selector)].find((element) => {
  if (!element.checkVisibility({ visibilityProperty: true })) return false
  const names = [element.getAttribute('aria-label'), element.labels?.[0]?.textContent, element.textContent]
  return names.some((name) => name?.replace(/\\s+/g, ' ').includes(text))
})`

/** In the page: the middle of what is found, once nothing lies over it; null before. */
const pointOf = `(selector, text) => {
  const element = (${find})(selector, text)
  if (element === undefined || element.disabled) return null
  element.scrollIntoView({ block: 'center', behavior: 'instant' })
  const { left, top, width, height } = element.getBoundingClientRect()
  const x = Math.round(left + width / 2)
  const y = Math.round(top + height / 2)
  const hit = document.elementFromPoint(x, y)
  return hit !== null && (element.contains(hit) || hit.contains(element)) ? { x, y } : null
}`
