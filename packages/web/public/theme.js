// Before the first paint: what was chosen, else what the system prefers.
try {
  const chosen = localStorage.getItem('slipway.theme')
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen
} catch {
  // Without storage the system decides.
}
