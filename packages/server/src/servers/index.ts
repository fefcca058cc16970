export {
  type CallServer,
  type CallServerInput,
  createCallServer,
  ServerAway,
} from './call-server.ts'
export { type KeptServer, keepServer, type KnownServer } from './keep-server.ts'
export { fingerprintOf, nameOf, type ServerIdentity } from './server-identity.ts'
export { createRequestSigner, type RequestSigner } from './sign-request.ts'
