/** The last parameter of everything that waits: when `signal` aborts, the wait ends with `signal.reason`. */
export interface Abortable {
  readonly signal: AbortSignal
}
