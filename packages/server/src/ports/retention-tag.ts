/**
 * Name of the tag that logs have in stores with tags: its value is the environment, of those that a release
 * of their run was deployed to, that keeps logs the longest.
 */
export const retentionTag = 'slipway-retention'
