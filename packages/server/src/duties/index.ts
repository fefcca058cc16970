export { type Duty, type DutyDeps, type DutyOptions, startDuty } from './start-duty.ts'
