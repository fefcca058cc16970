/** Statuses of what may pass: a server is busy or restarting, or something before it is. */
export const passing: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])
