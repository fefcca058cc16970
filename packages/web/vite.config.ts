import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** Where `vite` sends what is not the dashboard's own, in development. */
const server = 'http://127.0.0.1:3000'

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  resolve: { conditions: ['@slipway/source', 'module', 'browser', 'development|production'] },
  html: { cspNonce: '%CSP_NONCE%' },
  build: {
    target: 'es2023',
    sourcemap: true,
    // Data URIs would need a wider content security policy.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: {
    proxy: Object.fromEntries(
      ['/v1', '/api', '/ws', '/socket.io', '/docs', '/openapi.json', '/health'].map((path) => [
        path,
        { target: server, ws: true },
      ]),
    ),
  },
})
