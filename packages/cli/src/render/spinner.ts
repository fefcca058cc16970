const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const

/** The mark of what runs, as it is in this frame. */
export function spinnerAt(frame: number): string {
  return frames[frame % frames.length] ?? frames[0]
}
