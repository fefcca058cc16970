#!/usr/bin/env node
// npm links a command only to a file that exists at install time, which dist/ does not in a clone.
import { existsSync } from 'node:fs'

const main = new URL('../dist/main.js', import.meta.url)
if (!existsSync(main)) {
  process.stderr.write('slipway is not built yet. Build it with: npm run build\n')
  process.exit(2)
}
await import(main.href)
