import { expect, it } from 'vitest'
import { renderDiff } from './diff.ts'
import { createStyles } from './styles.ts'

const diff = `--- a/README.md
+++ b/README.md
@@ -1,3 +1,3 @@
 # Title
--- a list
+++ another
 end
@@ -9 +9 @@
-Open WebUI \u001b[2J
+Acme
`

const named = {
  ...createStyles(false),
  enabled: true,
  bold: (text: string) => `bold ${text}`,
  red: (text: string) => `red ${text}`,
  green: (text: string) => `green ${text}`,
  cyan: (text: string) => `cyan ${text}`,
}

it('colours what goes and what comes, and takes no line for the name of a file', () => {
  expect(renderDiff(diff, named)).toEqual([
    'bold --- a/README.md',
    'bold +++ b/README.md',
    'cyan @@ -1,3 +1,3 @@',
    ' # Title',
    'red --- a list',
    'green +++ another',
    ' end',
    'cyan @@ -9 +9 @@',
    'red -Open WebUI ',
    'green +Acme',
  ])
})

it('is the diff itself without colours, but for what a terminal would obey', () => {
  expect(renderDiff(diff, createStyles(false)).join('\n')).toBe(
    diff.replace('\u001b[2J', '').replace(/\n$/, ''),
  )
  expect(renderDiff('', createStyles(false))).toEqual([])
})
