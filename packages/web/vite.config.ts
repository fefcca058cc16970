import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

/** Where `vite` sends what is not the dashboard's own, in development. */
const server = 'http://127.0.0.1:3000'
const ours = ['/v1', '/api', '/ws', '/socket.io', '/docs', '/help', '/openapi.json', '/health']

/** Compressed once here, rather than at each request. */
function compress(): Plugin {
  return {
    name: 'compress',
    apply: 'build',
    async writeBundle({ dir = 'dist' }) {
      const assets = join(dir, 'assets')
      for (const name of await readdir(assets)) {
        if (!/\.(?:js|css|svg)$/.test(name)) continue
        const bytes = await readFile(join(assets, name))
        await writeFile(join(assets, `${name}.br`), await promisify(brotliCompress)(bytes))
        await writeFile(join(assets, `${name}.gz`), await promisify(gzip)(bytes))
      }
    },
  }
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), compress()],
  resolve: { conditions: ['@slipway/source', 'module', 'browser', 'development|production'] },
  html: { cspNonce: '%CSP_NONCE%' },
  build: {
    target: 'es2023',
    sourcemap: true,
    // Data URIs would need a wider content security policy.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    // All of it is 7 KB compressed. Of many small ones, one that fails to load leaves a page without its styles.
    cssCodeSplit: false,
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: Object.fromEntries(ours.map((path) => [path, { target: server, ws: true }])),
  },
})
