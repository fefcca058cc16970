/** What an event is about, in its own words: the parts of its data that people know things by. */
export function describeEvent(event: { data: unknown }): string {
  const data = event.data as Record<string, unknown>
  const names = [
    'repository',
    'project',
    'name',
    'environment',
    'branch',
    'status',
    'error_message',
  ]
  const told = names.flatMap((name) => {
    const value = data[name]
    return typeof value === 'string' && value !== '' ? [value] : []
  })
  const number = data.release_number
  return [...told, ...(typeof number === 'number' ? [`#${number}`] : [])].join(' · ')
}
