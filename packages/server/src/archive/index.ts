// The room of what builds refer to: it is archived before it is deleted, and changed by one of two who see the same.
export { refuseChanged } from './refuse-changed.ts'
export { refuseWhileBuilt } from './refuse-while-built.ts'
