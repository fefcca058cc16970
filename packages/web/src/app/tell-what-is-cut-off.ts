const told = new WeakSet<HTMLElement>()

/**
 * What has no room is cut off with an ellipsis: whoever points at it, or comes to it by the keyboard, is told
 * the whole of it, as its title.
 */
export function tellWhatIsCutOff(): void {
  const tell = ({ target }: Event) => {
    let one = target
    while (one instanceof HTMLElement) {
      const isCutOff = one.scrollWidth > one.clientWidth
      if (isCutOff && getComputedStyle(one).textOverflow === 'ellipsis' && one.title === '') {
        told.add(one)
      }
      if (told.has(one)) one.title = isCutOff ? (one.textContent ?? '') : ''
      one = one.parentElement
    }
  }
  addEventListener('pointerover', tell)
  addEventListener('focusin', tell)
}
