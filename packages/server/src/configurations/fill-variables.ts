const placeholder = /\{\{[ \t]*([A-Za-z_][\w.-]*)[ \t]*\}\}/g

/**
 * Replaces each `{{name}}` in the texts of a value by what it stands for; those that stand for nothing
 * stay, and their names are added to `unknown`.
 */
export function fillVariables(
  value: unknown,
  variables: Readonly<Record<string, string>>,
  unknown: Set<string>,
): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(placeholder, (whole, name: string) => {
      if (Object.hasOwn(variables, name)) return variables[name] ?? ''
      unknown.add(name)
      return whole
    })
  }
  if (Array.isArray(value)) return value.map((item) => fillVariables(item, variables, unknown))
  return value
}
