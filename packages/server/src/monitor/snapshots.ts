// They are what the port says of runs and jobs.
export type {
  ArtifactSnapshot,
  JobSnapshot,
  RunSnapshot,
  StepSnapshot,
} from '../ports/github-actions.ts'
