/** A time limit which counts by itself: `AbortSignal.timeout` lets the program end before it, when nothing else goes on. */
export const timeLimit = (
  milliseconds: number,
  reason = new Error('the time is up'),
): Disposable & { readonly signal: AbortSignal } => {
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(reason), milliseconds)
  return { signal: abort.signal, [Symbol.dispose]: () => clearTimeout(timer) }
}
