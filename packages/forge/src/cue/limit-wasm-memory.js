const pageBytes = 64 * 1024
const memorySection = 5

/**
 * The same WebAssembly module with an upper bound on the memory it declares. A module that
 * declares none, more than one or a bound of its own is refused with an error.
 *
 * @param {Uint8Array<ArrayBuffer>} module
 * @param {number} bytes The bound; rounded down to whole pages of 64 KiB.
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function limitWasmMemory(module, bytes) {
  let offset = 8
  const readNumber = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = module[offset]
      if (byte === undefined) throw new RangeError('the WebAssembly module is cut off')
      offset += 1
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
  }

  while (offset < module.length) {
    const start = offset
    const section = module[offset]
    offset += 1
    const size = readNumber()
    const end = offset + size
    if (section === memorySection) {
      const [memories, flags, initialPages] = [readNumber(), readNumber(), readNumber()]
      if (memories !== 1 || flags !== 0)
        throw new RangeError('the WebAssembly module declares its memory otherwise')
      const body = [1, 1, ...encode(initialPages), ...encode(Math.floor(bytes / pageBytes))]
      const limited = Uint8Array.from([memorySection, ...encode(body.length), ...body])
      return concatenate([module.subarray(0, start), limited, module.subarray(end)])
    }
    offset = end
  }
  throw new RangeError('the WebAssembly module declares no memory')
}

/**
 * Unsigned LEB128.
 * @param {number} value
 */
function encode(value) {
  const bytes = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) + 128)
  }
}

/** @param {Uint8Array[]} parts */
function concatenate(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}
