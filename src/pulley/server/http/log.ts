/** What a server writes down of its requests. */

/** Where a log line goes. */
export type Log = (line: Readonly<Record<string, unknown>>) => void
