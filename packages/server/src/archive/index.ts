// The room of the archive: what builds refer to is archived before it is deleted.
export { refuseWhileBuilt } from './refuse-while-built.ts'
