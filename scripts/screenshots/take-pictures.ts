import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { startBrowser } from '../../test/support/browser.ts'
import type { TestServer } from '../../test/support/server.ts'
import type { Scene } from './scenes.ts'

const usual = { width: 1280, height: 800 }

/** Takes each picture in a window of its own, and says how large it is. */
export async function takePictures<World>(
  server: TestServer,
  { world, scenes, out }: { world: World; scenes: readonly Scene<World>[]; out: string },
): Promise<void> {
  const browser = await startBrowser()
  let total = 0
  try {
    for (const scene of scenes) {
      const { size = usual, theme = 'light', signedOut, prepare } = scene
      const window = await browser.open({ size, theme })
      const { page } = window
      const path = scene.path(world)
      if (signedOut === true) await page.goto(new URL(path, server.url).href)
      else await window.signIn(server.url, server.token, path)
      await prepare(page, world)
      if (!(await isStyled(page))) {
        // On a very busy machine a style sheet may be given up by the browser.
        await page.reload()
        await prepare(page, world)
        if (!(await isStyled(page))) throw new Error(`${scene.name} came without its styles`)
      }
      const loading = page.getByRole('status', { name: 'Loading' })
      await loading.first().waitFor({ state: 'detached' })
      // Nothing is pointed at.
      await page.mouse.move(0, size.height - 1)
      await page.evaluate('document.fonts.ready')
      const file = join(out, `${scene.name}.png`)
      await page.screenshot({ path: file, animations: 'disabled', caret: 'hide' })
      const { size: bytes } = await stat(file)
      total += bytes
      console.log(`${scene.name.padEnd(20)} ${Math.ceil(bytes / 1024)} KiB`)
      await window.context.close()
    }
  } finally {
    await browser.close()
  }
  console.log(`${scenes.length} pictures, ${Math.ceil(total / 1024)} KiB, in ${out}`)
}

/** Whether the colours of the theme are there, which every page has. */
async function isStyled(page: Page): Promise<boolean> {
  const colour = "getComputedStyle(document.documentElement).getPropertyValue('--text')"
  return (await page.evaluate<string>(colour)) !== ''
}
