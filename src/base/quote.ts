/** POSIX shell quoting (XCU 2.2.2): the only way in which data becomes part of a shell line. */

/** The text as one word of a POSIX shell line, whatever it contains; throws on a NUL byte, which no argument can hold. */
export const quote = (text: string): string => {
  if (text.includes('\0')) throw new TypeError('a NUL byte cannot be part of a command line')
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/**
 * The same for a word which the login shell reads, whichever it is: csh takes an exclamation mark inside single quotes as
 * its own, fish a backslash; outside of quotes all of them agree. Only a newline remains which csh cannot take.
 */
export const quoteForAnyShell = (text: string): string => {
  if (text.includes('\0')) throw new TypeError('a NUL byte cannot be part of a command line')
  return `'${text.replaceAll(/['!\\]/g, "'\\$&'")}'`
}
