/** The lists of algorithms which ssh2 keeps to itself; a newer one might keep them elsewhere, and a test would tell. */
declare module 'ssh2/lib/protocol/constants.js' {
  const constants: {
    readonly DEFAULT_KEX: readonly string[]
    readonly SUPPORTED_KEX: readonly string[]
    readonly DEFAULT_CIPHER: readonly string[]
    readonly SUPPORTED_CIPHER: readonly string[]
    readonly DEFAULT_MAC: readonly string[]
    readonly SUPPORTED_MAC: readonly string[]
    readonly SUPPORTED_SERVER_HOST_KEY: readonly string[]
  }
  export default constants
}
