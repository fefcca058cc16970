import type { Parse } from './parse.ts'

/** One environment setting: what documentation, start and error messages know of it. */
export interface Setting<T> {
  description: string
  /** The text used when the setting is absent; null: there is none, and the value is null. */
  default: string | null
  /** For readers, where the default depends on the machine or is made at the first start. */
  defaultNote?: string
  /** Its value appears in no message. */
  secret?: true
  /** The empty text is a value of its own, not the same as absent. */
  emptyIsValue?: true
  parse: Parse<T>
}

type Present<T> = Setting<T> & { default: string }
type Absent<T> = Setting<T> & { default: null }

/** One with a default. */
export const present = <T>(setting: Present<T>): Present<T> => setting
/** One without. */
export const absent = <T>(setting: Absent<T>): Absent<T> => setting

/** What each setting of a table comes to: null where it is absent and has no default. */
export type ValuesOf<Table extends Record<string, Setting<unknown>>> = {
  [Name in keyof Table]:
    | ReturnType<Table[Name]['parse']>
    | (Table[Name]['default'] extends string ? never : null)
}
