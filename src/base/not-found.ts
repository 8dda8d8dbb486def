/** Whether a file operation failed because there is nothing of that name. */
export const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')

/** Why something failed, for a message. */
export const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error))
