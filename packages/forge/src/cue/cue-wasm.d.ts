declare module 'cue-wasm' {
  /** Instantiates the WebAssembly build of CUE once per thread. */
  export function init(): Promise<{
    /** Undefined once the Go program has ended, as it does when it is out of memory. */
    toJSONImpl(source: string): { value: string; error?: string } | undefined
  }>
}

// Node's types leave WebAssembly to the "dom" library, of which nothing else is wanted here.
declare const WebAssembly: {
  instantiate(module: Uint8Array, imports: WasmImports): Promise<unknown>
}
type WasmImports = Record<string, Record<string, unknown>>
