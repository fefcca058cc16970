// The room of access: who may do and see what, and who did it.
export { type AdminToken, resolveAdminToken } from './admin-token.ts'
export { anonymous, isAnonymous } from './anonymous.ts'
export { type AuditLog, type NewAuditEntry, openAuditLog } from './audit-log.ts'
export { createExchangedToken } from './create-exchanged-token.ts'
export { createTicket } from './create-ticket.ts'
export { createToken, exchangedPrefix } from './create-token.ts'
export { isOwnOrigin } from './is-own-origin.ts'
export { isTokenValid } from './is-token-valid.ts'
export { auditKeptMs, deleteOldAudit } from './delete-old-audit.ts'
export { listAudit } from './list-audit.ts'
export { listTokens } from './list-tokens.ts'
export {
  type Permission,
  allows,
  isMachine,
  isServiceAccount,
  machineRoles,
  permissions,
  permissionsOfRole,
  requirePermission,
} from './permissions.ts'
export { personOf } from './person-of.ts'
export { revokeToken } from './revoke-token.ts'
export { rotateToken } from './rotate-token.ts'
export { keepSecretFile } from './secret-file.ts'
export { spendTicket } from './spend-ticket.ts'
export { hashSecret, newTicketSecret, tokenPrefix } from './token-secret.ts'
export { canSee, requireUnlimited, requireVisible } from './visible-repositories.ts'
