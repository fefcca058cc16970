import { stat } from 'node:fs/promises'
import { join } from 'node:path'
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
