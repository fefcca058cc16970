// The room of sign-in: sessions of browsers, by an issuer or a token, and tokens for others' tokens.
export { beginSignIn, signInMs } from './begin-sign-in.ts'
export { type Asked, isCsrfToken, isSecure, readCookie, writeCookie } from './cookies.ts'
export { describeSession } from './describe-session.ts'
export { endSession } from './end-session.ts'
export { exchangeGithubActions, type GithubActionsExchange } from './exchange-github-actions.ts'
export { finishSignIn } from './finish-sign-in.ts'
export { type BegunSession, openSessions, type Sessions } from './open-sessions.ts'
export { sealedSessions } from './session-rows.ts'
