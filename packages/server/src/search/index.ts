export { deleteLogDocuments } from './delete-log-documents.ts'
export { startIndexing } from './index-events.ts'
export { search, type SearchDeps } from './search.ts'
