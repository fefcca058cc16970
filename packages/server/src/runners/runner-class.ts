export type { RunnerClass } from '../config/runner-classes.ts'
