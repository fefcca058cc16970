/**
 * Libraries that add a style element (dialogs, which keep the page behind them from scrolling) find the
 * nonce of the content security policy here.
 */
export function shareStyleNonce(): void {
  const meta = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')
  const nonce = meta?.nonce || meta?.content
  if (nonce) Object.assign(globalThis, { __webpack_nonce__: nonce })
}
