import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const output = process.argv[2] ?? 'dist'
await rm(output, { recursive: true, force: true })
await mkdir(output, { recursive: true })

// The names of scripts and styles carry a hash, so that browsers may keep them for ever.
const files = (await readdir('src')).toSorted()
const names = new Map()
for (const [index, file] of files.entries()) {
  // The pause is there to be watched.
  await wait(300)
  const extension = extname(file)
  const content = await readFile(join('src', file))
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 8)
  names.set(file, extension === '.html' ? file : `${file.slice(0, -extension.length)}.${hash}${extension}`)
  console.log(`[${index + 1}/${files.length}] ${file} → ${names.get(file)}`)
}

for (const [file, name] of names) {
  let text = await readFile(join('src', file), 'utf8')
  for (const [from, to] of names) text = text.replaceAll(`"${from}"`, `"${to}"`).replaceAll(`'./${from}'`, `'./${to}'`)
  await writeFile(join(output, name), text)
}
console.log(`built ${names.size} files in ${output}`)
