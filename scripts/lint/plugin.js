/** The project's own oxlint rules; `test/lint` runs each on files that break it. */
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { judgeImport, locate } from './layers.js'

/** Visits every way in which a module can name another one. */
function onImports(visit) {
  const declared = (node) => {
    if (node.source) visit(node.source, node.source.value, node)
  }
  return {
    ImportDeclaration: declared,
    ExportNamedDeclaration: declared,
    ExportAllDeclaration: declared,
    TSImportType: declared,
    ImportExpression(node) {
      if (node.source.type === 'Literal' && typeof node.source.value === 'string') declared(node)
    },
  }
}

const path = (context) => context.filename.replaceAll('\\', '/')

const dependencyDirection = {
  create(context) {
    return onImports((node, specifier, statement) => {
      const typeOnly =
        statement.type === 'TSImportType' ||
        statement.importKind === 'type' ||
        statement.exportKind === 'type'
      const message = judgeImport(path(context), specifier, typeOnly)
      if (message) context.report({ node, message })
    })
  },
}

const sourceExtension = {
  create(context) {
    if (!/\.tsx?$/.test(path(context))) return {}
    return onImports((node, specifier) => {
      if (!/^\.\.?\//.test(specifier) || /\.(ts|tsx|json|css|svg)$/.test(specifier)) return
      // What a thread starts from is JavaScript in the source as well.
      if (specifier.endsWith('.js') && existsSync(resolve(dirname(path(context)), specifier)))
        return
      context.report({ node, message: `${specifier}: a relative import ends in the source's .ts` })
    })
  },
}

const noExportAll = {
  create(context) {
    return {
      ExportAllDeclaration(node) {
        context.report({ node, message: 'Name what is exported; `export *` hides it' })
      },
    }
  },
}

/** Settings and the end of the process belong to main.ts; everything else is told. */
const processBoundary = {
  create(context) {
    const place = locate(path(context))
    if (!place || place.path === 'main.ts') return {}
    const guarded = ['env', 'exit', 'abort']
    const message = (name) => `process.${name} is for main.ts; pass in what is needed`
    const isProcess = (node) =>
      (node.type === 'Identifier' && node.name === 'process') ||
      (node.type === 'MemberExpression' &&
        node.object.type === 'Identifier' &&
        node.object.name === 'globalThis' &&
        node.property.name === 'process')
    return {
      MemberExpression(node) {
        if (!isProcess(node.object)) return
        const name = node.computed ? node.property.value : node.property.name
        if (guarded.includes(name)) context.report({ node, message: message(name) })
      },
      VariableDeclarator(node) {
        if (node.id.type !== 'ObjectPattern' || !node.init || !isProcess(node.init)) return
        for (const property of node.id.properties) {
          const name = property.key?.name
          if (guarded.includes(name)) context.report({ node: property, message: message(name) })
        }
      },
      ImportSpecifier(node) {
        if (!/^(node:)?process$/.test(node.parent.source.value)) return
        const name = node.imported.name
        if (guarded.includes(name)) context.report({ node, message: message(name) })
      },
    }
  },
}

const plugin = {
  meta: { name: 'slipway' },
  rules: {
    'dependency-direction': dependencyDirection,
    'source-extension': sourceExtension,
    'no-export-all': noExportAll,
    'process-boundary': processBoundary,
  },
}
export default plugin
