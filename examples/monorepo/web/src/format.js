/** A price as people read it: `€5.30`, and `free` for nothing. */
export function formatPrice(price) {
  return price === 0 ? 'free' : `€${price.toFixed(2)}`
}
