/** A container of ours by the Job that it is: `kubernetes:<name>:<the Job's uid>`. */
export interface ContainerId {
  name: string
  uid: string
}

const prefix = 'kubernetes'

export function formatId({ name, uid }: ContainerId): string {
  return [prefix, name, uid].join(':')
}

/** Null: it is no id of a container of ours. */
export function parseId(text: string): ContainerId | null {
  const [first, name = '', uid = '', ...rest] = text.split(':')
  return first === prefix && name !== '' && uid !== '' && rest.length === 0 ? { name, uid } : null
}
